import type { Connection } from "../client/connection.ts";
import { listTags } from "../client/lists.ts";
import { resolveDigest } from "../client/manifests.ts";
import { printable } from "../client/http/printable.ts";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Tag, isTag } from "../oci/reference.ts";
import { atOnce } from "./api/at-once.ts";
import type { FactsCache } from "./api/facts-cache.ts";
import { follower } from "./api/follow.ts";
import { type DatedFacts, ifThere } from "./api/read-facts.ts";
import { referrersOf } from "./api/referrers.ts";
import { manifestsOf } from "./api/retention-manifests.ts";
import type { TagTimes } from "./api/tag-times.ts";
import type { Unreadable } from "./inventory.ts";
import type { RetentionInventory, RetentionManifest } from "./retention-inventory.ts";

/** What reading over an API needs beside the connection. */
export interface ApiReading {
  readonly connection: Connection;
  readonly cache: FactsCache;
  /** Null: nobody remembers anything, and when tags were pushed is not known. */
  readonly times: TagTimes | null;
  /** Whether configs are read for when they were built; false: that is not known, unless a manifest says it. */
  readonly created: boolean;
  /** UTC milliseconds. */
  readonly now: () => number;
  /** Tags that are asked for at once. */
  readonly concurrency: number;
  readonly warn: (line: string) => void;
}

/** With what removals have left that did not come to their end. */
export interface ApiInventory extends RetentionInventory {
  readonly leftovers: readonly Leftover[];
}

/** A placeholder of ours. Its digest is its own: whoever deletes it deletes nothing else. */
export interface Leftover {
  readonly tag: Tag;
  readonly digest: Digest;
  /** What the tag named before, and is shown to name; null: the tag is of ours as well, and is not shown. */
  readonly of: Digest | null;
}

/**
 * What one repository of any OCI registry holds, over its API: the list of tags, a HEAD for each, and of
 * what is not known from before each manifest and each config. Null: there is no such repository.
 *
 * A tag that names a placeholder of ours is shown as it was before its removal began: then the removal is
 * planned again and comes to its end, or the tag is put back. Throws REMOTE or CREDENTIALS; then nothing is known of it.
 */
export async function inventoryFromApi(
  name: RepositoryName,
  reading: ApiReading,
): Promise<ApiInventory | null> {
  const seen = await readTags(name, reading);
  if (!seen) return null;
  reading.cache.flush();
  const { tags, facts, leftovers, unreadable } = seen;
  // Answers come in any order; plans of the same content shall be the same.
  const list = inOrder(
    [...tags].map(([tag, digest]) => ({ tag, digest })),
    ({ tag }) => tag,
  );
  const cutOff = new Map(leftovers.map(({ tag, digest }) => [tag, digest]));
  const now = reading.now();
  const pushed = (await reading.times?.pushed(name, list, now)) ?? new Map<Tag, number>();
  const pulled = await pullsOf(name, facts, reading);
  return {
    name,
    tags: list.map(({ tag, digest }) => {
      const one = { tag, digest, pushedAt: pushed.get(tag) ?? null };
      const placeholder = cutOff.get(tag);
      return placeholder ? { ...one, placeholder } : one;
    }),
    manifests: inOrder(manifestsOf(facts, pulled), ({ digest }) => digest),
    untaggedListed: false,
    pullsSince: (await reading.times?.pullsSince(now)) ?? null,
    unreadable,
    leftovers,
  };
}

/** Null: it is somebody's image. Under another tag than its own it is as well: somebody copied it. */
function leftoverOf(tag: Tag, digest: Digest, { placeholder }: DatedFacts): Leftover | null {
  if (!placeholder) return null;
  const { of } = placeholder;
  return of === null || placeholder.tag === tag ? { tag, digest, of } : null;
}

/** ASCII. */
function inOrder<T>(items: readonly T[], key: (item: T) => string): T[] {
  return items.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

async function pullsOf(
  name: RepositoryName,
  facts: ReadonlyMap<Digest, DatedFacts>,
  { times, now }: ApiReading,
): Promise<ReadonlyMap<Digest, number>> {
  return (await times?.pulled(name, [...facts.keys()], now())) ?? new Map<Digest, number>();
}

interface Seen {
  readonly tags: Map<Tag, Digest>;
  readonly facts: Map<Digest, DatedFacts>;
  readonly leftovers: Leftover[];
  readonly unreadable: Unreadable[];
}

async function readTags(name: RepositoryName, reading: ApiReading): Promise<Seen | null> {
  const { connection, concurrency, warn } = reading;
  const seen: Seen = { tags: new Map(), facts: new Map(), leftovers: [], unreadable: [] };
  const { tags, unreadable, leftovers } = seen;
  const follow = follower(name, reading, seen);
  const missing: Tag[] = [];
  const list = await ifThere(Array.fromAsync(listTags(connection, name)));
  if (!list) return null;

  await atOnce(new Set(list), concurrency, async (tag) => {
    if (!isTag(tag)) {
      unreadable.push({ path: `${name}:${printable(tag, 150)}`, problem: "this is no tag" });
      return;
    }
    const digest = await ifThere(resolveDigest(connection, name, tag));
    const facts = digest && (await follow(digest));
    if (!digest || facts === null) {
      missing.push(tag);
      return;
    }
    const left = facts ? leftoverOf(tag, digest, facts) : null;
    // Where the image is gone by now, the tag is what it looks like.
    if (!left || (left.of !== null && !(await follow(left.of)))) {
      tags.set(tag, digest);
      return;
    }
    leftovers.push(left);
    if (left.of !== null) tags.set(tag, left.of);
    const ends =
      left.of === null
        ? "the next removal there ends that"
        : `the next run that applies a policy to it removes it, or puts it back to ${left.of} if it stays`;
    warn(`${name}:${tag} is left from a removal that was interrupted; ${ends}`);
  });

  if (missing.length > 0) {
    // What went away meanwhile is gone. What is listed all the same is damage, and may hide anything.
    const listed = await ifThere(Array.fromAsync(listTags(connection, name)));
    // Half of it was there a moment ago: what is seen may be half of it as well.
    if (!listed && tags.size > 0) {
      unreadable.push({ path: name, problem: "it went away while it was read" });
    }
    const still = new Set(listed);
    for (const tag of missing.filter((one) => still.has(one))) {
      unreadable.push({
        path: `${name}:${tag}`,
        problem: "the tag is listed, and has no manifest",
      });
    }
  }
  for (const { digest } of leftovers) seen.facts.delete(digest);
  return seen;
}

/**
 * These manifests and what lies below them; what is not there is left out. Throws REMOTE for one that cannot be
 * understood: it may need anything.
 */
export async function manifestsFromApi(
  name: RepositoryName,
  digests: readonly Digest[],
  reading: ApiReading,
): Promise<readonly RetentionManifest[]> {
  const facts = new Map<Digest, DatedFacts>();
  const unreadable: Unreadable[] = [];
  const follow = follower(name, reading, { facts, unreadable });
  await atOnce(digests, reading.concurrency, async (digest) => void (await follow(digest)));
  reading.cache.flush();
  const [first] = unreadable;
  if (first) throw new RegistryError("REMOTE", { reason: `${first.path}: ${first.problem}` });
  return inOrder(manifestsOf(facts, new Map()), ({ digest }) => digest);
}

/**
 * The manifests that have one of these as their subject, and what lies below them, as far as the registry
 * tells. Null: it has no such API; then clients keep them under tags of their own (`referrersTag`), which
 * the inventory has. One that cannot be understood is left out: nothing shall happen to it.
 */
export async function referrersFromApi(
  name: RepositoryName,
  subjects: readonly Digest[],
  reading: ApiReading,
): Promise<readonly RetentionManifest[] | null> {
  const facts = new Map<Digest, DatedFacts>();
  const follow = follower(name, reading, { facts, unreadable: [] });
  let supported = true;
  await atOnce(subjects, reading.concurrency, async (subject) => {
    const referrers = supported ? await referrersOf(reading.connection, name, subject) : null;
    if (!referrers) supported = false;
    for (const referrer of referrers ?? []) await follow(referrer);
  });
  reading.cache.flush();
  if (!supported) return null;
  const pulled = await pullsOf(name, facts, reading);
  return inOrder(manifestsOf(facts, pulled), ({ digest }) => digest);
}
