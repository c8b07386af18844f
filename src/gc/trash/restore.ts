import type { Digest } from "../../oci/digest.ts";
import { type ErrorKind } from "../../oci/error-table.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { RepositoryName } from "../../oci/name.ts";
import type { Tag } from "../../oci/reference.ts";
import { type Closure, ClosureReader } from "./closure.ts";
import type { TrashChoice } from "./names.ts";
import type { LostTag, TrashPlace, TrashView } from "./place.ts";
import { type Unknown, type Wanted, select } from "./select.ts";
import { tidyRows } from "./tidy.ts";

/** What became, or would become, of one thing that was wanted back. */
export interface RestoreItem {
  readonly repository: RepositoryName;
  readonly kind: "repository" | Wanted["kind"];
  readonly tag: Tag | null;
  /** Null: nothing is known under that name. */
  readonly digest: Digest | null;
  /**
   * `kept`: the tag names something else by now, and goes on to. `here`: there was nothing to do. `failed`: it,
   * or a part of it, is lost; nothing of it was changed.
   */
  readonly outcome: "planned" | "restored" | "here" | "kept" | "failed";
  /** Manifests and blobs that come along, and the bytes of both. */
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
  /** What the tag is taken away from; null: from nothing. */
  readonly movedFrom: Digest | null;
  readonly error: ErrorKind | null;
  /** A sentence for people. */
  readonly reason: string | null;
}

export interface RestoreTotals {
  readonly restored: number;
  readonly here: number;
  readonly kept: number;
  readonly failed: number;
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
}

export type RestoreEvent = { readonly item: RestoreItem } | { readonly done: RestoreTotals };

/** So many things are looked at, and then brought back, together: memory is bounded by them. */
const AT_ONCE = 100;

/**
 * Brings back what was removed. Each thing comes whole or not at all: first it is made sure that all it
 * needs is here or in the trash, byte for byte, and only then anything is changed. What comes first is the
 * bytes, then their links, then manifests (what is needed before what needs it), then tags, and at last
 * the rows in the trash go. So it may be cut off anywhere, and done again.
 *
 * A tag that names something else by now is never taken away from it, but for one case: somebody names a
 * tag that was moved, and it still names what it was moved to. That is what undoing the move means, and
 * what it named goes to the trash in its turn.
 */
export function restoreTrash(choice: TrashChoice, place: TrashPlace): AsyncGenerator<RestoreEvent> {
  return work(choice, place, place);
}

/** What `restoreTrash` would do, as far as sizes tell: bytes are not read. Changes nothing. */
export function planRestore(choice: TrashChoice, view: TrashView): AsyncGenerator<RestoreEvent> {
  return work(choice, view, null);
}

async function* work(
  choice: TrashChoice,
  view: TrashView,
  place: TrashPlace | null,
): AsyncGenerator<RestoreEvent> {
  const totals = { restored: 0, here: 0, kept: 0, failed: 0, manifests: 0, blobs: 0, bytes: 0 };
  const tell = (item: RestoreItem): RestoreEvent => {
    totals[item.outcome === "planned" ? "restored" : item.outcome]++;
    if (item.outcome === "planned" || item.outcome === "restored") {
      totals.manifests += item.manifests;
      totals.blobs += item.blobs;
      totals.bytes += item.bytes;
    }
    return { item };
  };
  const { wanted, unknown } = await select(choice, view);
  for (const one of unknown) yield tell(itemOfUnknown(one));
  for (const [name, all] of wanted) {
    const reader = new ClosureReader(view, name, { verify: place !== null });
    for (let at = 0; at < all.length; at += AT_ONCE) {
      const step = new Step(reader);
      for (const one of all.slice(at, at + AT_ONCE)) await step.look(one);
      if (place) await step.act(place);
      for (const item of step.items(place ? "restored" : "planned")) yield tell(item);
    }
  }
  yield { done: totals };
}

interface Looked {
  readonly wanted: Wanted;
  readonly closure: Closure | null;
  readonly outcome: "ready" | "here" | "kept" | "failed";
  readonly tag: LostTag | null;
  readonly reason: string | null;
}

/** A handful of things of one repository, looked at one after the other and then brought back together. */
class Step {
  readonly #looked: Looked[] = [];
  readonly #manifests: Closure["manifests"] = new Map();
  readonly #blobs: Closure["blobs"] = new Map();
  readonly #here = new Set<Digest>();
  #taken = new Set<Tag>();

  constructor(readonly reader: ClosureReader) {}

  async look(wanted: Wanted): Promise<void> {
    const looked = await this.#look(wanted);
    if (!looked) return;
    this.#looked.push(looked);
    for (const digest of looked.closure?.here ?? []) this.#here.add(digest);
    if (looked.outcome !== "ready" || !looked.closure) return;
    // Whoever comes next finds these here, and does not count them again.
    this.reader.brought(looked.closure);
    for (const [digest, manifest] of looked.closure.manifests) {
      // It may need one that somebody before it brings in this same step.
      const level = Math.max(
        manifest.level,
        ...manifest.references.map((one) => (this.#manifests.get(one.digest)?.level ?? -1) + 1),
      );
      this.#manifests.set(digest, { ...manifest, level });
    }
    for (const [digest, blob] of looked.closure.blobs) this.#blobs.set(digest, blob);
  }

  /** Null: somebody before it has brought it, and it is told with that. */
  async #look(wanted: Wanted): Promise<Looked | null> {
    const { reader } = this;
    const { place, name } = reader;
    const { kind, tag, digest } = wanted;
    const nothing = { wanted, closure: null, tag: null, reason: null };
    let from: Digest | null = null;
    if (tag !== null) {
      from = await place.tag(name, tag);
      if (from === digest) {
        return { ...nothing, closure: await reader.ofManifest(digest), outcome: "here" };
      }
      if (from !== null && from !== wanted.movedTo) {
        return { ...nothing, outcome: "kept", reason: `${name}:${tag} names ${from} now` };
      }
    }
    const closure = await (kind === "link" ? reader.ofBlob(digest) : reader.ofManifest(digest));
    const reason = [...closure.missing, ...closure.remarks].slice(0, 5).join("; ") || null;
    if (closure.missing.length > 0) return { ...nothing, outcome: "failed", reason };
    if (tag !== null) {
      return { wanted, closure, outcome: "ready", tag: { tag, digest, from }, reason };
    }
    if (closure.manifests.size + closure.blobs.size > 0) {
      return { wanted, closure, outcome: "ready", tag: null, reason };
    }
    return reader.hasBrought(digest) ? null : { ...nothing, closure, outcome: "here" };
  }

  async act(place: TrashPlace): Promise<void> {
    const { name } = this.reader;
    await place.link(name, [...this.#blobs.values()]);
    const levels = Map.groupBy(this.#manifests.values(), ({ level }) => level);
    for (const level of [...levels.keys()].toSorted((a, b) => a - b)) {
      await place.put(name, levels.get(level) ?? []);
    }
    const tags = this.#looked.flatMap(({ tag }) => tag ?? []);
    this.#taken = new Set(await place.retag(name, tags));
    const done = this.#looked.filter(
      ({ outcome, tag }) =>
        outcome === "here" || (outcome === "ready" && !(tag && this.#taken.has(tag.tag))),
    );
    await tidyRows(place, name, {
      rows: done.map(({ wanted }) => wanted.row),
      manifests: [...this.#manifests.keys()],
      blobs: [...this.#blobs.values()],
      here: [...this.#here],
    });
  }

  *items(done: "planned" | "restored"): Generator<RestoreItem> {
    for (const { wanted, closure, outcome, tag, reason } of this.#looked) {
      const { repository, kind, digest } = wanted;
      const taken = tag !== null && this.#taken.has(tag.tag);
      const facts = { repository, kind, tag: wanted.tag, digest, movedFrom: tag?.from ?? null };
      if (outcome === "ready" && !taken) {
        yield { ...facts, ...amount(closure), outcome: done, error: null, reason };
      } else if (taken) {
        const why = `${repository}:${tag.tag} was pushed meanwhile`;
        yield { ...facts, ...amount(closure), outcome: "kept", error: "TRASH_KEPT", reason: why };
      } else {
        const ended = outcome === "ready" ? "here" : outcome;
        yield { ...facts, ...amount(null), outcome: ended, error: ERROR_OF[ended], reason };
      }
    }
  }
}

const ERROR_OF = { here: null, kept: "TRASH_KEPT", failed: "TRASH_INCOMPLETE" } as const;

function amount(closure: Closure | null) {
  const manifests = [...(closure?.manifests.values() ?? [])];
  const blobs = [...(closure?.blobs.values() ?? [])];
  return {
    manifests: manifests.length,
    blobs: blobs.length,
    bytes:
      manifests.reduce((sum, { bytes }) => sum + bytes.length, 0) +
      blobs.reduce((sum, { size }) => sum + size, 0),
  };
}

function itemOfUnknown({ name, here }: Unknown): RestoreItem {
  const { repository, tag, digest, text } = name;
  const kind: RestoreItem["kind"] =
    tag !== null ? "tag" : digest === null ? "repository" : "manifest";
  const facts = { repository, kind, tag, digest: here ?? digest, movedFrom: null, ...amount(null) };
  if (here !== null) return { ...facts, outcome: "here", error: null, reason: null };
  const reason = `the trash has nothing called ${text}`;
  return { ...facts, outcome: "failed", error: "TRASH_UNKNOWN", reason };
}

/** The error that an item means; null: it is as it should be. */
export function errorOf({ error, reason }: RestoreItem): RegistryError | null {
  return error === null ? null : new RegistryError(error, reason === null ? {} : { reason });
}
