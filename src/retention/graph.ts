import type {
  RetentionInventory,
  RetentionManifest,
  RetentionTag,
} from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { Follower } from "./follow.ts";

/** A tag's manifest that belongs to another one by the tag's name. */
export interface FollowEdge {
  readonly subject: Digest;
  readonly digest: Digest;
}

/** Manifests by their places in the inventory. */
export type Marks = Uint8Array;

/**
 * What leads to what in one repository: an index to its children, a subject to its referrers, and to what
 * follows it by the name of a tag. Whoever stays keeps all that it leads to. Nothing goes by recursion:
 * chains can be long, and in a forged inventory they can be circles.
 */
export class Graph {
  readonly #places: ReadonlyMap<Digest, number>;
  readonly #next: (number[] | undefined)[];
  /** The place of each tag's manifest, by the index of the tag; -1: it is not here. */
  readonly placeOfTag: Int32Array;

  constructor(
    readonly manifests: readonly RetentionManifest[],
    tags: readonly RetentionTag[],
    follow: readonly FollowEdge[],
  ) {
    this.#places = new Map(manifests.map(({ digest }, at) => [digest, at]));
    this.#next = Array.from({ length: manifests.length });
    for (const [at, { children, subject }] of manifests.entries()) {
      for (const child of children) this.#lead(at, this.place(child));
      if (subject !== null) this.#lead(this.place(subject), at);
    }
    this.placeOfTag = Int32Array.from(tags, ({ digest }) => this.#places.get(digest) ?? -1);
    for (const { subject, digest } of follow) this.#lead(this.place(subject), this.place(digest));
  }

  place(digest: Digest): number | undefined {
    return this.#places.get(digest);
  }

  leadsTo(place: number): readonly number[] {
    return this.#next[place] ?? [];
  }

  /** The manifests under this one: children, and theirs, without what refers to it. */
  partsOf(manifest: RetentionManifest): RetentionManifest[] {
    const found = new Set<RetentionManifest>();
    const waiting = [manifest];
    for (let one = waiting.pop(); one; one = waiting.pop()) {
      for (const digest of one.children) {
        const child = this.manifests[this.place(digest) ?? -1];
        if (child === undefined || child === manifest || found.has(child)) continue;
        found.add(child);
        waiting.push(child);
      }
    }
    return [...found];
  }

  /** Marks the places, and all that they lead to. */
  reach(from: Iterable<number>): Marks {
    const marks = new Uint8Array(this.manifests.length);
    const waiting: number[] = [];
    const visit = (place: number): void => {
      if (marks[place] === 1) return;
      marks[place] = 1;
      waiting.push(place);
    };
    for (const place of from) visit(place);
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      for (const next of this.leadsTo(place)) visit(next);
    }
    return marks;
  }

  /**
   * The marked places, each before those that it leads to, otherwise in the order of the inventory; and
   * who leads to each first (-1: nobody). A manifest that refers to a part of its own makes a circle: there parents come
   * before their children all the same.
   */
  inOrder(marks: Marks): { readonly order: readonly number[]; readonly leaders: Int32Array } {
    const leaders = new Int32Array(marks.length).fill(-1);
    for (let place = 0; place < marks.length; place++) {
      if (marks[place] !== 1) continue;
      for (const next of this.leadsTo(place)) {
        if (marks[next] === 1 && next !== place && leaders[next] === -1) leaders[next] = place;
      }
    }
    const order = leadersFirst(marks, (place) => this.leadsTo(place));
    const rest = marks.slice();
    for (const place of order) rest[place] = 0;
    for (const place of leadersFirst(rest, (at) => this.#childrenOf(at))) {
      order.push(place);
      rest[place] = 0;
    }
    // Of the children alone no real digests can make a circle.
    for (const [place, mark] of rest.entries()) if (mark === 1) order.push(place);
    return { order, leaders };
  }

  #childrenOf(place: number): readonly number[] {
    return this.manifests[place]?.children.flatMap((child) => this.place(child) ?? []) ?? [];
  }

  #lead(from: number | undefined, to: number | undefined): void {
    if (from === undefined || to === undefined) return;
    const known = this.#next[from];
    if (known === undefined) this.#next[from] = [to];
    else known.push(to);
  }
}

/** The marked places from the leaders down; without those that are in a circle, or behind one. */
function leadersFirst(marks: Marks, leadsTo: (place: number) => readonly number[]): number[] {
  const leaders = new Map<number, number>();
  for (const [place, mark] of marks.entries()) {
    if (mark !== 1) continue;
    for (const next of leadsTo(place)) {
      if (marks[next] === 1) leaders.set(next, (leaders.get(next) ?? 0) + 1);
    }
  }
  const order: number[] = [];
  for (const [place, mark] of marks.entries()) {
    if (mark === 1 && !leaders.has(place)) order.push(place);
  }
  for (let at = 0; at < order.length; at++) {
    for (const next of leadsTo(order[at] ?? -1)) {
      const left = (leaders.get(next) ?? 0) - 1;
      leaders.set(next, left);
      if (left === 0) order.push(next);
    }
  }
  return order;
}

/** Of a repository, with its followers by the index of their tags. Pure. */
export function graphOf(
  { manifests, tags }: Pick<RetentionInventory, "manifests" | "tags">,
  followers: ReadonlyMap<number, Follower>,
): Graph {
  const follow = [...followers].flatMap(([at, { subject }]) => {
    const digest = tags[at]?.digest;
    return subject === null || digest === undefined ? [] : [{ subject, digest }];
  });
  return new Graph(manifests, tags, follow);
}
