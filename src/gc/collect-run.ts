import type { CollectPolicy, ReviewItem } from "../metadata/collection.ts";
import type { RepositoryName } from "../oci/name.ts";
import { settleClaims, takeAway } from "../registry/leaving.ts";
import type { Registry } from "../registry/registry.ts";
import { findForeign } from "./foreign.ts";
import { type InUseRoots, rootsAmong, withFailure } from "./in-use-roots.ts";
import type { Pace } from "./pace.ts";
import type { RunReport } from "./run-report.ts";

/** Beyond the grace by the quarter for which an answer is not written down (`registry/promises.ts`). */
export const BEYOND = 1.25;

/** Review items in one transaction, at most. Pushes share the writer with it: it is to take few milliseconds. */
const ITEMS_AT_ONCE = 40;

/** Blobs in one batch, at most. One sync is for all of them; only a push of the same blob waits for it. */
const BLOBS_AT_ONCE = 100;

/**
 * Repositories of which all links are looked at before bytes go: a sample, because that costs what they
 * hold, and another program that is at work leaves its uploads in all that it touches.
 */
const LINKS_LOOKED_AT = 20;

/** What was unlinked since the tree was last followed goes from the disk this much later, at most. */
const DRAIN_MS = 2000;

/** What a run goes by. Times in milliseconds. */
export interface RunSettings {
  readonly grace: number;
  readonly untaggedAfter: number | "never";
  readonly protectedDigests: CollectPolicy["protectedDigests"];
  readonly emptyRepositories: boolean;
  /** Removals a second. */
  readonly pace: number;
}

export interface RunParts {
  readonly registry: Pick<Registry, "metadata" | "storage" | "custody" | "now">;
  /** Resolves when the tree has followed all that was changed before the call. */
  readonly drain: () => Promise<void>;
  readonly settings: RunSettings;
  readonly waitingUntil: number | null;
  /** What somebody runs, read for this run; null: no source says. */
  readonly inUse: InUseRoots | null;
  readonly pace: Pace;
  /** Asked between two batches: why the run must not go on, in a few words; null: it may. */
  readonly mayNot: () => string | null;
  /** Since when the data folder is open here, UTC milliseconds of the machine. */
  readonly openSince: number;
}

/** A run that ends before its end, at a safe point. */
export class Stopped extends Error {}

/** Another program writes into the tree that we serve. Nothing is collected until the next start. */
export class ForeignWriter extends Error {}

/**
 * Collects what is due. First the rows: each batch is judged again in the transaction that removes it.
 * Then, when the tree has followed and no link of it leads to them any more, the bytes.
 *
 * It can be cut off between any two steps and begun anew: nothing is done twice, and what was doomed
 * without having left goes with the next run.
 */
export async function collectDue(
  id: number,
  parts: RunParts,
  report: RunReport,
  phase: (phase: "bytes") => void,
): Promise<void> {
  const { metadata } = parts.registry;
  await endClaims(parts);
  const touched = new Set<RepositoryName>();
  let last = "";
  for (;;) {
    goOn(parts);
    const policy = withFailure(policyOf(id, parts), parts.inUse);
    const size = batchSize(ITEMS_AT_ONCE, parts);
    const items = await metadata.readReview(reviewBefore(policy), size);
    if (items.length === 0) break;
    // What stays due although it was looked at would be looked at for ever.
    const keys = items.map(keyOf).join();
    if (keys === last) break;
    last = keys;
    await parts.pace.take(items.length);
    // What the batch may take is judged by digests: which of them are in use is asked of just those.
    const used = await rootsAmong(items, parts.inUse, metadata);
    const protectedDigests = [...policy.protectedDigests, ...used];
    const judged = await metadata.collect(items, { ...policy, protectedDigests });
    const { manifests, links, repositories, kept } = judged;
    report.manifests += manifests.length;
    report.links += links.length;
    report.repositories += repositories.length;
    for (const [why, count] of Object.entries(kept)) {
      report.kept[why as keyof typeof report.kept] += count;
    }
    for (const { name } of [...manifests, ...links]) touched.add(name);
  }
  phase("bytes");
  await removeBytes(id, parts, report, touched);
}

/** Takes away the bytes of all blobs that are doomed. `touched`: the repositories that this run has changed. */
export async function removeBytes(
  id: number,
  parts: RunParts,
  report: RunReport,
  touched: Set<RepositoryName>,
): Promise<void> {
  const { registry, pace } = parts;
  for (let drainedAt = Number.NEGATIVE_INFINITY; ;) {
    goOn(parts);
    if (performance.now() - drainedAt > DRAIN_MS) {
      await followed(parts);
      drainedAt = performance.now();
      await refuseForeign(touched, parts);
      touched.clear();
    }
    const size = batchSize(BLOBS_AT_ONCE, parts);
    await pace.take(size);
    const policy = { run: id, now: registry.now() };
    const claimed = await registry.custody.leaving(
      async (except) => await registry.metadata.claim(size, except, policy),
      async (claims) => {
        const { trashed, bytes } = await takeAway(claims, registry).catch(
          async (error: unknown) => {
            // A push of one of them would be refused for as long as it is claimed.
            await settleClaims(registry, registry.now()).catch(() => undefined);
            throw error;
          },
        );
        report.blobs += trashed;
        report.bytes += bytes;
        return claims.length;
      },
    );
    if (claimed === 0) return;
  }
}

/** Claims that an earlier batch has left, because the disk or the metadata failed. */
async function endClaims({ registry }: RunParts): Promise<void> {
  const { metadata, custody, now } = registry;
  await custody.leaving(
    async () => await metadata.listClaims(),
    async (claims) => claims.length > 0 && (await settleClaims(registry, now())),
  );
}

/**
 * Lets the tree follow. Where it cannot, in a repository whose folder cannot be written, that one does not
 * hold up the others: nothing is claimed that the journal still names. Throws Stopped.
 */
async function followed(parts: RunParts): Promise<void> {
  try {
    await parts.drain();
  } catch {
    // Whoever lets it follow has said why.
    goOn(parts);
  }
}

/** Throws Stopped. */
export function goOn({ mayNot }: Pick<RunParts, "mayNot">): void {
  const reason = mayNot();
  if (reason !== null) throw new Stopped(reason);
}

/** Everything that a batch is judged by, at this moment. */
export function policyOf(
  run: number,
  { registry, settings, waitingUntil }: Pick<RunParts, "registry" | "settings" | "waitingUntil">,
): CollectPolicy {
  const now = registry.now();
  const seenBefore = now - BEYOND * settings.grace;
  const { untaggedAfter } = settings;
  return {
    run,
    now,
    seenBefore,
    untaggedBefore: untaggedAfter === "never" ? null : Math.min(now - untaggedAfter, seenBefore),
    protectedDigests: settings.protectedDigests,
    waitingUntil,
    removeEmpty: settings.emptyRepositories,
  };
}

export function reviewBefore({ seenBefore, untaggedBefore }: CollectPolicy) {
  return { manifests: untaggedBefore, links: seenBefore };
}

/** Many small batches disturb less than few large ones. */
function batchSize(most: number, { settings }: RunParts): number {
  return Math.max(1, Math.min(most, Math.floor(settings.pace / 20)));
}

function keyOf(item: ReviewItem): string {
  return `${item.kind} ${item.name} ${"digest" in item ? item.digest : ""} ${item.since}`;
}

/** Throws ForeignWriter. */
async function refuseForeign(
  names: Iterable<RepositoryName>,
  { registry, drain, openSince, mayNot }: RunParts,
): Promise<void> {
  let looked = 0;
  for (const name of names) {
    goOn({ mayNot });
    const links = looked++ < LINKS_LOOKED_AT;
    const found = await findForeign(name, registry, openSince, drain, { links });
    if (found !== null) throw new ForeignWriter(found);
  }
}
