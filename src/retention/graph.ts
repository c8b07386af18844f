import type {
  RetentionInventory,
  RetentionManifest,
  RetentionTag,
} from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import { DigestPlaces } from "./digest-places.ts";
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
  readonly #places: DigestPlaces;
  /** Empty where nothing leads to anything, as in most repositories. */
  #next: (number[] | undefined)[] = [];
  /** The place of each tag's manifest, by the index of the tag; -1: it is not here. */
  readonly placeOfTag: Int32Array;

  constructor(
    readonly manifests: readonly RetentionManifest[],
    tags: readonly RetentionTag[],
    follow: readonly FollowEdge[],
  ) {
    this.#places = new DigestPlaces(manifests);
    let at = 0;
    for (const { children, subject } of manifests) {
      for (const child of children) this.#lead(at, this.place(child));
      if (subject !== null) this.#lead(this.place(subject), at);
      at++;
    }
    this.placeOfTag = new Int32Array(tags.length);
    let index = 0;
    for (const { digest } of tags) this.placeOfTag[index++] = this.place(digest);
    for (const { subject, digest } of follow) this.#lead(this.place(subject), this.place(digest));
  }

  /** -1: it is not here. */
  place(digest: Digest): number {
    return this.#places.find(digest);
  }

  leadsTo(place: number): readonly number[] {
    return this.#next[place] ?? NOTHING;
  }

  /** The manifests under this one: children, and theirs, without what refers to it. */
  partsOf(manifest: RetentionManifest): RetentionManifest[] {
    const found = new Set<RetentionManifest>();
    const waiting = [manifest];
    for (let one = waiting.pop(); one; one = waiting.pop()) {
      for (const digest of one.children) {
        const child = this.manifests[this.place(digest)];
        if (child === undefined || child === manifest || found.has(child)) continue;
        found.add(child);
        waiting.push(child);
      }
    }
    return [...found];
  }

  /** Marks nothing. */
  marks(): Marks {
    return new Uint8Array(this.manifests.length);
  }

  /** What is marked, and all that it leads to. */
  reach(from: Marks): Marks {
    const marks = from.slice();
    const waiting: number[] = [];
    const visit = (place: number): void => {
      for (const next of this.leadsTo(place)) {
        if (marks[next] === 1) continue;
        marks[next] = 1;
        waiting.push(next);
      }
    };
    for (let place = 0; place < from.length; place++) if (from[place] === 1) visit(place);
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) visit(place);
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
    for (let place = 0; place < rest.length; place++) if (rest[place] === 1) order.push(place);
    return { order, leaders };
  }

  #childrenOf(place: number): readonly number[] {
    const children = this.manifests[place]?.children ?? [];
    return children.map((child) => this.place(child)).filter((child) => child !== -1);
  }

  #lead(from: number, to: number): void {
    if (from === -1 || to === -1) return;
    if (this.#next.length === 0) this.#next = Array.from({ length: this.manifests.length });
    const known = this.#next[from];
    if (known === undefined) this.#next[from] = [to];
    else known.push(to);
  }
}

const NOTHING: readonly number[] = [];

/** The marked places from the leaders down; without those that are in a circle, or behind one. */
function leadersFirst(marks: Marks, leadsTo: (place: number) => readonly number[]): number[] {
  const leaders = new Int32Array(marks.length);
  for (let place = 0; place < marks.length; place++) {
    if (marks[place] !== 1) continue;
    for (const next of leadsTo(place)) leaders[next] = (leaders[next] ?? 0) + 1;
  }
  const order: number[] = [];
  for (let place = 0; place < marks.length; place++) {
    if (marks[place] === 1 && leaders[place] === 0) order.push(place);
  }
  for (let at = 0; at < order.length; at++) {
    for (const next of leadsTo(order[at] ?? -1)) {
      const left = (leaders[next] ?? 0) - 1;
      leaders[next] = left;
      if (left === 0 && marks[next] === 1) order.push(next);
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
