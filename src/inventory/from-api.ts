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
import { type DatedFacts, ifThere, readFacts } from "./api/read-facts.ts";
import { manifestsOf } from "./api/retention-manifests.ts";
import type { TagTimes } from "./api/tag-times.ts";
import type { Unreadable } from "./inventory.ts";
import type { RetentionInventory } from "./retention-inventory.ts";

/** What reading over an API needs beside the connection. */
export interface ApiReading {
  readonly connection: Connection;
  readonly cache: FactsCache;
  /** Null: nobody remembers anything, and when tags were pushed is not known. */
  readonly times: TagTimes | null;
  /** Tags that are asked for at once. */
  readonly concurrency: number;
  readonly warn: (line: string) => void;
}

/** What was found in place of images: removals that did not come to their end. */
export interface ApiInventory extends RetentionInventory {
  /** Tags that were put there to see what the registry does, with what they name. */
  readonly leftovers: readonly { readonly tag: Tag; readonly digest: Digest }[];
}

/**
 * What one repository of any OCI registry holds, over its API: the list of tags, a HEAD for each, and of
 * what is not known from before each manifest and each config. Null: there is no such repository.
 *
 * A tag that names a placeholder of ours is shown as it was before its removal began: then the removal is
 * planned again, and comes to its end. Throws REMOTE or CREDENTIALS; then nothing is known of it.
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
  const pushed = (await reading.times?.seen(name, list)) ?? new Map<Tag, number>();
  const pulled = (await reading.times?.pulled(name)) ?? new Map<Digest, number>();
  return {
    name,
    tags: list.map(({ tag, digest }) => ({ tag, digest, pushedAt: pushed.get(tag) ?? null })),
    manifests: inOrder(manifestsOf(facts, pulled), ({ digest }) => digest),
    untaggedListed: false,
    unreadable,
    leftovers,
  };
}

/** ASCII. */
function inOrder<T>(items: readonly T[], key: (item: T) => string): T[] {
  return items.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

interface Seen {
  readonly tags: Map<Tag, Digest>;
  readonly facts: Map<Digest, DatedFacts>;
  readonly leftovers: { tag: Tag; digest: Digest }[];
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
    const placeholder = facts?.placeholder;
    if (placeholder?.tag !== tag) {
      tags.set(tag, digest);
    } else if (placeholder.of === null) {
      leftovers.push({ tag, digest });
    } else if (await follow(placeholder.of)) {
      warn(
        `${name}:${tag} was being removed when a run was interrupted: the next removal ends that`,
      );
      tags.set(tag, placeholder.of);
      seen.facts.delete(digest);
    } else {
      tags.set(tag, digest);
    }
  });

  if (missing.length > 0) {
    // What went away meanwhile is gone. What is listed all the same is damage, and may hide anything.
    const still = new Set(await ifThere(Array.fromAsync(listTags(connection, name))));
    for (const tag of missing.filter((one) => still.has(one))) {
      unreadable.push({
        path: `${name}:${tag}`,
        problem: "the tag is listed, and has no manifest",
      });
    }
  }
  for (const { tag, digest } of leftovers) {
    if (![...tags.values()].includes(digest)) seen.facts.delete(digest);
    warn(
      `${name}:${tag} is left over from a run that was interrupted; the next removal there ends that`,
    );
  }
  return seen;
}

/**
 * Reads a manifest and all that lies below it, each once. Null: it is not there; undefined: it is, and
 * cannot be understood, which is noted.
 */
function follower(
  name: RepositoryName,
  { connection, cache, concurrency }: ApiReading,
  { facts, unreadable }: Pick<Seen, "facts" | "unreadable">,
): (digest: Digest) => Promise<DatedFacts | null | undefined> {
  const asked = new Map<Digest, Promise<DatedFacts | null | undefined>>();
  const read = async (digest: Digest): Promise<DatedFacts | null | undefined> => {
    const found = await readFacts(connection, cache, name, digest);
    if (found === null) return null;
    if (typeof found === "string") {
      unreadable.push({ path: `${name}@${digest}`, problem: found });
      return undefined;
    }
    facts.set(digest, found);
    if (found.children.length > MOST_CHILDREN) {
      throw new RegistryError("REMOTE", {
        reason: `${name}@${digest} lists ${found.children.length} manifests`,
      });
    }
    // A child that is not there is no damage: mirrors leave out platforms.
    await atOnce(found.children, concurrency, async (child) => void (await follow(child)));
    return found;
  };
  const follow = async (digest: Digest): Promise<DatedFacts | null | undefined> => {
    const known = asked.get(digest) ?? read(digest);
    asked.set(digest, known);
    return await known;
  };
  return follow;
}

/** More is no index of platforms; ten thousand is far above any that is known. */
const MOST_CHILDREN = 10_000;
