import type { Connection } from "../../client/connection.ts";
import { resolveDigest } from "../../client/manifests.ts";
import type { FactsCache } from "../../inventory/api/facts-cache.ts";
import { ifThere } from "../../inventory/api/read-facts.ts";
import { repositoriesOf } from "../../inventory/api/repositories.ts";
import type { TagTimes } from "../../inventory/api/tag-times.ts";
import {
  type ApiInventory,
  inventoryFromApi,
  manifestsFromApi,
  referrersFromApi,
} from "../../inventory/from-api.ts";
import type { RetentionTag } from "../../inventory/retention-inventory.ts";
import type { Digest } from "../../oci/digest.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { RepositoryName } from "../../oci/name.ts";
import type { Tag } from "../../oci/reference.ts";
import type { PruneTarget } from "../prune-target.ts";
import { type ApiRepository, apiRepository } from "./api-repository.ts";
import { TagRemoval } from "./remove-tag.ts";
import { restoreReplaced } from "./replace-tag.ts";

export interface ApiTargetOptions {
  /** As the configuration calls it, else its host. */
  readonly name: string;
  readonly connection: Connection;
  /** Closed with the target. */
  readonly cache: FactsCache;
  readonly times: TagTimes | null;
  /** Whether somebody wants to know when images were built: that costs a request for each. */
  readonly created: boolean;
  readonly now: () => number;
  /** Null: what its catalog says. */
  readonly repositories: readonly string[] | null;
  readonly concurrency: number;
  readonly replaceTags: boolean;
  readonly warn: (line: string) => void;
  /** Never the same text twice, of letters, digits and dashes. */
  readonly id?: () => string;
}

/** Repositories whose last inventory is at hand: those that are being worked on. */
const REMEMBERED = 64;

/** Any OCI registry, over nothing but the distribution API. */
export function apiTarget(options: ApiTargetOptions): PruneTarget {
  const { connection, cache, times, created, now, concurrency, warn } = options;
  const id = options.id ?? (() => crypto.randomUUID().replaceAll("-", ""));
  const reading = { connection, cache, times, created, now, concurrency, warn };
  const removal = new TagRemoval({ replaceTags: options.replaceTags, id, warn });
  const last = new Map<RepositoryName, ApiInventory>();
  /** Tags whose removal is under way: several of one image may go at once, and none is missed by the others. */
  const leaving = new Set<string>();
  let hasReferrers = true;

  const at = (name: RepositoryName): ApiRepository => apiRepository(connection, name, id);
  const repositories = () => repositoriesOf(connection, options.repositories, warn);
  const tagsOf = (name: RepositoryName, digest: Digest): Tag[] =>
    (last.get(name)?.tags ?? []).filter((one) => one.digest === digest).map(({ tag }) => tag);

  /** What interrupted removals left of ours in a repository, once something is done there again. */
  const tidy = async (name: RepositoryName, gone: Digest | null): Promise<void> => {
    const inventory = last.get(name);
    if (!inventory) return;
    for (const { digest, of } of inventory.leftovers) {
      if (of === null || of === gone) await at(name).delete(digest);
    }
    const leftovers = inventory.leftovers.filter(({ of }) => of !== null && of !== gone);
    last.set(name, { ...inventory, leftovers });
  };

  const forget = (name: RepositoryName, isGone: (tag: RetentionTag) => boolean): void => {
    const inventory = last.get(name);
    if (!inventory) return;
    last.set(name, { ...inventory, tags: inventory.tags.filter((one) => !isGone(one)) });
  };

  return {
    registry: { name: options.name, place: connection.address.origin, bytes: "estimated" },

    async removesTags() {
      if (options.replaceTags) return true;
      const [known] = last.keys();
      const name = known ?? (await firstOf(repositories()));
      return name !== null && (await removal.isPossible(at(name)));
    },

    repositories,

    async inventoryOf(name) {
      const inventory = await inventoryFromApi(name, reading);
      last.delete(name);
      if (!inventory) return null;
      last.set(name, inventory);
      if (last.size > REMEMBERED) for (const [oldest] of last) if (last.delete(oldest)) break;
      return inventory;
    },

    async referrersOf(name, subjects) {
      const found = hasReferrers ? await referrersFromApi(name, subjects, reading) : null;
      if (!found) hasReferrers = false;
      return found ?? [];
    },

    manifestsOf: async (name, digests) => await manifestsFromApi(name, digests, reading),

    async resolve(name, tag) {
      const digest = await ifThere(resolveDigest(connection, name, tag));
      const left = last.get(name)?.leftovers.find((one) => one.digest === digest);
      return left ? left.of : digest;
    },

    async removeTag(name, tag) {
      removal.refuseWhenStopped();
      await tidy(name, null);
      const of = last.get(name)?.tags.find((one) => one.tag === tag)?.digest ?? null;
      const isStaying = (one: Tag): boolean => !leaving.has(`${name}:${one}`);
      const others = (): readonly Tag[] => (of === null ? [] : tagsOf(name, of).filter(isStaying));
      leaving.add(`${name}:${tag}`);
      try {
        await removal.remove(at(name), tag, { of, others });
        forget(name, (one) => one.tag === tag);
      } finally {
        leaving.delete(`${name}:${tag}`);
      }
    },

    async restoreTag(name, tag) {
      removal.refuseWhenStopped();
      await restoreReplaced(at(name), tag);
    },

    async deleteManifest(name, digest) {
      removal.refuseWhenStopped();
      await tidy(name, digest);
      await deleteWhole(at(name), digest, tagsOf(name, digest));
      forget(name, (one) => one.digest === digest);
    },

    clock: () => connection.clock(),

    async close() {
      cache.close();
      await Promise.resolve();
    },
  };
}

/** Registries that delete no manifest for as long as it has tags (Google's, zot for some users). */
const STILL_TAGGED = new Set([400, 409, 412]);

async function deleteWhole(
  repository: ApiRepository,
  digest: Digest,
  tags: readonly Tag[],
): Promise<void> {
  try {
    await repository.delete(digest);
    return;
  } catch (error) {
    const status = error instanceof RegistryError ? error.detail["status"] : null;
    if (typeof status !== "number" || !STILL_TAGGED.has(status) || tags.length === 0) throw error;
  }
  for (const tag of tags) {
    // All its tags go: whatever becomes of the manifest along with one of them was to become of it.
    if ((await repository.resolve(tag)) === digest) await repository.delete(tag);
  }
  await repository.delete(digest);
}

async function firstOf<T>(items: AsyncIterable<T>): Promise<T | null> {
  for await (const item of items) return item;
  return null;
}
