import type { Fixture } from "../../support/image.ts";

/** What a client knows of one repository: all of it was acknowledged. Times are UTC milliseconds. */
interface Repository {
  readonly tags: Map<string, string>;
  /** When each was pushed last, or lost its last tag. */
  readonly manifests: Map<string, number>;
  /** When each blob was pushed or mounted last. */
  readonly links: Map<string, number>;
}

const HOUR = 3600 * 1000;
/** Shorter than what the collections under test wait. */
const LINKS_STAY = HOUR;
const MANIFESTS_STAY = 24 * HOUR;

/** A thing that a registry shows, as the checks of durability name it. */
export type Key = string;

/**
 * The simplest model of a registry that cleans itself: what was acknowledged, and what of it must be there.
 * It does not say when garbage goes; whoever uses it takes out what went (`forget`).
 */
export class GarbageModel {
  readonly #repositories = new Map<string, Repository>();

  /** All manifests there could be, by digest. */
  constructor(readonly known: ReadonlyMap<string, Fixture>) {}

  copy(): GarbageModel {
    const copy = new GarbageModel(this.known);
    for (const [name, { tags, manifests, links }] of this.#repositories) {
      const own = { tags: new Map(tags), manifests: new Map(manifests), links: new Map(links) };
      copy.#repositories.set(name, own);
    }
    return copy;
  }

  pushed(name: string, fixture: Fixture, tag: string | null, now: number): void {
    for (const child of fixture.children) this.pushed(name, child, null, now);
    for (const { descriptor } of fixture.blobs) this.linked(name, descriptor.digest, now);
    const repository = this.#at(name);
    repository.manifests.set(fixture.digest, now);
    if (tag === null) return;
    this.untagged(name, tag, now);
    repository.tags.set(tag, fixture.digest);
  }

  linked(name: string, digest: string, now: number): void {
    this.#at(name).links.set(digest, now);
  }

  untagged(name: string, tag: string, now: number): void {
    const { tags, manifests } = this.#at(name);
    const digest = tags.get(tag);
    tags.delete(tag);
    if (digest !== undefined && ![...tags.values()].includes(digest)) manifests.set(digest, now);
  }

  removed(name: string, digest: string): void {
    const { tags, manifests } = this.#at(name);
    manifests.delete(digest);
    for (const [tag, named] of tags) if (named === digest) tags.delete(tag);
  }

  unlinked(name: string, digest: string): void {
    this.#at(name).links.delete(digest);
  }

  tag(name: string, tag: string): string | null {
    return this.#at(name).tags.get(tag) ?? null;
  }

  /**
   * Of what nothing needed before, and nobody has pushed since, a collection may have taken any part, also
   * when something needs it by now.
   */
  forgetIdle(before: GarbageModel, then: number, shown: ReadonlyMap<Key, string>): void {
    const live = before.live(then);
    for (const [name, { manifests, links }] of this.#repositories) {
      const old = before.#at(name);
      const idle = (kind: string, seen: Map<string, number>, was: Map<string, number>): void => {
        for (const [digest, at] of seen) {
          const key = `${kind} ${name} ${digest}`;
          if (!shown.has(key) && !live.has(key) && was.get(digest) === at) seen.delete(digest);
        }
      };
      idle("manifest", manifests, old.manifests);
      idle("blob", links, old.links);
    }
  }

  /** What is not shown any more has gone, and comes back only when it is pushed again. */
  forget(shown: ReadonlyMap<Key, string>): void {
    for (const [name, { manifests, links }] of this.#repositories) {
      for (const digest of manifests.keys()) {
        if (!shown.has(`manifest ${name} ${digest}`)) manifests.delete(digest);
      }
      for (const digest of links.keys()) {
        if (!shown.has(`blob ${name} ${digest}`)) links.delete(digest);
      }
    }
  }

  /** Manifests whose push was cut off, and that are there all the same: what they refer to keeps them. */
  learn(shown: ReadonlyMap<Key, string>): void {
    for (const key of shown.keys()) {
      const [kind, name = "", digest = ""] = key.split(" ");
      const { manifests } = this.#at(name);
      if (kind === "manifest" && !manifests.has(digest)) manifests.set(digest, -Infinity);
    }
  }

  /** What must be shown now. In the end, when all has become old, it is also all that may be. */
  live(now: number): Map<Key, string> {
    const live = new Map<Key, string>();
    for (const [name, { tags, manifests, links }] of this.#repositories) {
      for (const [tag, digest] of tags) live.set(`tag ${name} ${tag}`, digest);
      const young = [...manifests].filter(([, seen]) => now - seen < MANIFESTS_STAY);
      const roots = [...tags.values(), ...young.map(([digest]) => digest)];
      for (const key of this.#closure(name, roots, manifests)) live.set(key, "");
      for (const [digest, seen] of links) {
        if (now - seen < LINKS_STAY) live.set(`blob ${name} ${digest}`, "");
      }
    }
    return live;
  }

  /** With referrers of what is kept, as far as they are here. */
  #closure(
    name: string,
    roots: readonly string[],
    manifests: ReadonlyMap<string, number>,
  ): Set<Key> {
    const keys = new Set<Key>();
    const visit = (digest: string): void => {
      if (keys.has(`manifest ${name} ${digest}`)) return;
      keys.add(`manifest ${name} ${digest}`);
      const fixture = this.known.get(digest);
      for (const { descriptor } of fixture?.blobs ?? [])
        keys.add(`blob ${name} ${descriptor.digest}`);
      for (const child of fixture?.children ?? []) visit(child.digest);
      for (const other of manifests.keys()) {
        if (subjectOf(this.known.get(other)) === digest) visit(other);
      }
    };
    for (const digest of roots) visit(digest);
    return keys;
  }

  #at(name: string): Repository {
    const found = this.#repositories.get(name);
    if (found) return found;
    const made = { tags: new Map(), manifests: new Map(), links: new Map() };
    this.#repositories.set(name, made);
    return made;
  }
}

function subjectOf(fixture: Fixture | undefined): string | null {
  if (!fixture) return null;
  const { subject } = JSON.parse(new TextDecoder().decode(fixture.bytes)) as {
    subject?: { digest: string };
  };
  return subject?.digest ?? null;
}
