import type { RetentionInventory, RetentionManifest } from "../inventory/retention-inventory.ts";
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

  constructor(
    readonly manifests: readonly RetentionManifest[],
    follow: readonly FollowEdge[],
  ) {
    this.#places = new Map(manifests.map(({ digest }, at) => [digest, at]));
    this.#next = Array.from({ length: manifests.length });
    for (const [at, { children, subject }] of manifests.entries()) {
      for (const child of children) this.#lead(at, this.place(child));
      if (subject !== null) this.#lead(this.place(subject), at);
    }
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
   * The marked places, each before those that it leads to, otherwise in the order of the inventory; with
   * who led to each first.
   */
  inOrder(marks: Marks): { readonly place: number; readonly from: number | null }[] {
    const open = new Map<number, number>();
    const leader = new Map<number, number>();
    for (let place = 0; place < marks.length; place++) {
      if (marks[place] !== 1) continue;
      for (const next of this.leadsTo(place)) {
        if (marks[next] !== 1 || next === place) continue;
        open.set(next, (open.get(next) ?? 0) + 1);
        if (!leader.has(next)) leader.set(next, place);
      }
    }
    const order: number[] = [];
    const seen = new Uint8Array(marks.length);
    const add = (place: number): void => {
      seen[place] = 1;
      order.push(place);
    };
    for (let place = 0; place < marks.length; place++) {
      if (marks[place] === 1 && !open.has(place)) add(place);
    }
    for (let at = 0; at < order.length; at++) {
      const place = order[at] ?? 0;
      for (const next of this.leadsTo(place)) {
        if (marks[next] !== 1 || seen[next] === 1) continue;
        const left = (open.get(next) ?? 0) - 1;
        open.set(next, left);
        if (left === 0) add(next);
      }
    }
    // Only circles are left, which no real digest can make.
    for (const place of open.keys()) if (seen[place] !== 1) add(place);
    return order.map((place) => ({ place, from: leader.get(place) ?? null }));
  }

  #lead(from: number | undefined, to: number | undefined): void {
    if (from === undefined || to === undefined) return;
    const known = this.#next[from];
    if (known === undefined) this.#next[from] = [to];
    else known.push(to);
  }
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
  return new Graph(manifests, follow);
}
