import {
  type CollectPolicy,
  type Collected,
  type ReviewItem,
  reviewBefore,
} from "../collection.ts";
import type { Metadata } from "../metadata.ts";
import type { Digest } from "../../oci/digest.ts";
import { APP, type Given, digestFor } from "./fixtures.ts";

/** What the tests push at 1000 is old enough for it, and what they do at 90,000 is not. */
export const POLICY: CollectPolicy = {
  run: 1,
  now: 100_000,
  seenBefore: 50_000,
  untaggedBefore: 20_000,
  protectedDigests: [],
  waitingUntil: null,
  removeEmpty: false,
};
export const YOUNG = 90_000;

export const EVERYTHING = {
  manifests: Number.MAX_SAFE_INTEGER,
  links: Number.MAX_SAFE_INTEGER,
} as const;

export const WORDS = ["index", "one", "two", "three", "layer", "config", "small", "signature"];

/** A digest as the word whose it is. */
export function wordOf(digest: Digest): string {
  return WORDS.find((word) => digestFor(word) === digest) ?? digest;
}

export function item(kind: "manifest" | "link", word: string, name = APP): ReviewItem {
  return { kind, name, digest: digestFor(word), since: 0 };
}

/** The queue, as `kind word since`. */
export async function queue(metadata: Metadata, name = APP): Promise<string[]> {
  const items = await metadata.readReview(EVERYTHING, 1000);
  return items
    .filter((one) => one.name === name)
    .map((one) =>
      one.kind === "repository"
        ? `repository ${one.since}`
        : `${one.kind} ${wordOf(one.digest)} ${one.since}`,
    )
    .toSorted();
}

/** What went, as `kind word`, in its order. */
export function gone({ manifests, links, repositories }: Collected): string[] {
  return [
    ...manifests.map(({ digest }) => `manifest ${wordOf(digest)}`),
    ...links.map(({ digest }) => `link ${wordOf(digest)}`),
    ...repositories.map((name) => `repository ${name}`),
  ];
}

/** Collects until nothing that is old enough is left in the queue; what went, in its order. */
export async function collectAll(
  given: Given,
  policy: Partial<CollectPolicy> = {},
  atOnce = 1000,
): Promise<string[]> {
  const whole = { ...POLICY, ...policy };
  const before = reviewBefore(whole);
  const all: string[] = [];
  for (let round = 0; round < 1000; round++) {
    const items = await given.metadata.readReview(before, atOnce);
    if (items.length === 0) return all;
    all.push(...gone(await given.metadata.collect(items, whole)));
  }
  throw new Error("the queue does not become empty");
}

/** As the tree's follower does, when all of it is in the tree. */
export async function follow(metadata: Metadata): Promise<void> {
  const last = (await metadata.readJournal(1_000_000)).at(-1);
  if (last) await metadata.retireJournal(last.id);
}

/** The trash, the oldest first, as `kind repository:tag word reason`. */
export async function trash(metadata: Metadata): Promise<string[]> {
  const rows = (await metadata.listTrash({ limit: 1000 })).toReversed();
  return rows.map(
    ({ kind, repository, tag, digest, reason }) =>
      `${kind} ${repository ?? "-"}:${tag ?? "-"} ${wordOf(digest)} (${reason})`,
  );
}
