import { inventoriesFromMetadata } from "../inventory/from-metadata.ts";
import type { RepositoryInventory } from "../inventory/inventory.ts";
import type { CollectionReads } from "../metadata/collection.ts";
import type { MetadataReads } from "../metadata/metadata.ts";
import { allUnlinked } from "../metadata/paged.ts";
import type { Digest } from "../oci/digest.ts";
import {
  type GcPlanPart,
  type GcRepository,
  type GcTotals,
  NO_LEFTOVERS,
} from "../plan/gc-plan.ts";
import { type InUseRoots, rootsIn, withFailure } from "./in-use-roots.ts";
import { type GcPolicy, type Verdict, decide } from "./decide.ts";

/** What a plan is made from. */
export type PlanReads = CollectionReads & Pick<MetadataReads, "listRepositories">;

/**
 * What a collection would take away at this moment, and what it would free: exactly, if nothing changes
 * meanwhile. Changes nothing. Others get a turn after each repository.
 *
 * Bytes are counted by looking at who else holds what goes. So memory is that of the garbage and of the
 * largest repository; for that each repository is judged twice.
 */
export async function* planOnline(
  metadata: PlanReads,
  policy: GcPolicy,
  inUse: InUseRoots | null = null,
): AsyncGenerator<GcPlanPart> {
  const began = performance.now();
  /** How often each is let go, by links and as a manifest. */
  const letGo = new Map<Digest, number>();
  for await (const { verdict } of judged(metadata, policy, inUse)) {
    for (const { digest } of leavesOf(verdict)) letGo.set(digest, (letGo.get(digest) ?? 0) + 1);
  }
  // As long as somebody hides what he needs, no bytes go.
  const hiding = await metadata.findHiding();
  const freed = hiding ? new Set<Digest>() : await freedOf(letGo, metadata);
  const counted = new Set<Digest>();
  const sum = { repositories: 0, manifests: pair(), links: pair(), blobs: 0, bytes: 0 };
  const keptRepositories: GcTotals["keptRepositories"][number][] = [];
  for await (const { inventory, verdict } of judged(metadata, policy, inUse)) {
    const part = describe(inventory, verdict, freed, counted, sum);
    sum.repositories++;
    if (part.keptWhole !== null) {
      keptRepositories.push({ repository: inventory.name, reason: part.keptWhole });
    }
    if (part.manifests.length + part.links.length === 0 && !part.removed && part.keptWhole === null)
      continue;
    yield { repository: part };
  }
  const { all, going } = await metadata.sumBlobs();
  const orphans = hiding ? { blobs: 0, bytes: 0 } : { blobs: going.blobs, bytes: going.bytes };
  for await (const blobs of hiding ? [] : allUnlinked(metadata)) {
    orphans.blobs += blobs.length;
    orphans.bytes += blobs.reduce((bytes, { size }) => bytes + size, 0);
  }
  const blobs = sum.blobs + orphans.blobs;
  const bytes = sum.bytes + orphans.bytes;
  yield {
    totals: {
      repositories: sum.repositories,
      manifests: sum.manifests,
      links: sum.links,
      blobs: { live: all.blobs - blobs, garbage: blobs },
      bytes: { live: all.bytes - bytes, garbage: bytes, trash: (await metadata.sumTrash()).bytes },
      orphans,
      keptRepositories,
      seconds: (performance.now() - began) / 1000,
    },
  };
}

/** Only the end of it. */
export async function planTotals(
  metadata: PlanReads,
  policy: GcPolicy,
  inUse: InUseRoots | null = null,
): Promise<GcTotals> {
  for await (const part of planOnline(metadata, policy, inUse))
    if ("totals" in part) return part.totals;
  throw new Error("the plan has no end");
}

interface Sum {
  readonly manifests: { live: number; garbage: number };
  readonly links: { live: number; garbage: number };
  blobs: number;
  bytes: number;
}

function pair(): { live: number; garbage: number } {
  return { live: 0, garbage: 0 };
}

async function* judged(
  metadata: PlanReads,
  policy: GcPolicy,
  inUse: InUseRoots | null,
): AsyncGenerator<{ readonly inventory: RepositoryInventory; readonly verdict: Verdict }> {
  for await (const inventory of inventoriesFromMetadata(metadata)) {
    const used = inUse ? rootsIn(inventory, inUse) : [];
    const protectedDigests = [...policy.protectedDigests, ...used];
    const own = withFailure({ ...policy, protectedDigests }, inUse);
    yield { inventory, verdict: decide(inventory, own) };
  }
}

function leavesOf(verdict: Verdict): readonly { readonly digest: Digest; readonly size: number }[] {
  if (verdict.whole) return [];
  return [
    ...verdict.manifests,
    ...verdict.links.map(({ digest, size }) => ({ digest, size: size ?? 0 })),
  ];
}

/** Those that nobody holds any more when they were let go so often. */
async function freedOf(
  letGo: ReadonlyMap<Digest, number>,
  metadata: PlanReads,
): Promise<ReadonlySet<Digest>> {
  const freed = new Set<Digest>();
  const all = [...letGo];
  for (let at = 0; at < all.length; at += 500) {
    const some = all.slice(at, at + 500);
    const holders = await metadata.holdersOf(some.map(([digest]) => digest));
    for (const [index, [digest, times]] of some.entries()) {
      if ((holders[index] ?? 0) <= times) freed.add(digest);
    }
    await new Promise(setImmediate);
  }
  return freed;
}

function describe(
  { name, manifests, links }: RepositoryInventory,
  verdict: Verdict,
  freed: ReadonlySet<Digest>,
  counted: Set<Digest>,
  sum: Sum,
): GcRepository {
  const none = { manifests: [], links: [], removed: false };
  const bytes = { freed: 0, shared: 0 };
  const own = new Set<Digest>();
  for (const { digest, size } of leavesOf(verdict)) {
    if (own.has(digest)) continue;
    own.add(digest);
    if (!freed.has(digest)) bytes.shared += size;
    else if (!counted.has(digest)) {
      counted.add(digest);
      bytes.freed += size;
      sum.blobs++;
    }
  }
  sum.bytes += bytes.freed;
  const gone = verdict.whole ? none : { ...verdict, removed: verdict.empty };
  sum.manifests.garbage += gone.manifests.length;
  sum.manifests.live += manifests.length - gone.manifests.length;
  sum.links.garbage += gone.links.length;
  sum.links.live += links.length - gone.links.length;
  return {
    repository: name,
    keptWhole: verdict.whole ? verdict.reason : null,
    manifests: gone.manifests,
    links: gone.links,
    leftovers: NO_LEFTOVERS,
    removed: gone.removed,
    bytes,
  };
}
