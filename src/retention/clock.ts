import type {
  RetentionInventory,
  RetentionManifest,
  RetentionTag,
} from "../inventory/retention-inventory.ts";
import type { Clock } from "./policy.ts";

const DAY = 86_400_000;

/** The first release of Docker: no image is older, whatever it says (reproducible builds say 1970). */
export const FIRST_IMAGES = Date.UTC(2013, 2, 20);

/** A clock may be as wrong as a time zone is wide; what is later than that is no time. */
const AHEAD = DAY;

/** The time, if it can be one; null: it is not known, before there were images, or in the future. Pure. */
export function believed(time: number | null | undefined, now: number): number | null {
  if (time === null || time === undefined || !Number.isFinite(time)) return null;
  return time >= FIRST_IMAGES && time <= now + AHEAD ? time : null;
}

/** The inventory's, as far as clocks need it. */
export type PullRecords = Pick<RetentionInventory, "pullsSince">;

/**
 * The time of a tag by a clock; null: nobody knows it, so nothing may go by it. Pure.
 *
 * `pushed` is the tag's own last push, never that of its manifest: a tag may be set on an old one. `created`
 * is what the image says, else `pushed`. `pulled` is the last use: the pull or the push, whichever is later;
 * without a pull, the time since which there was none.
 */
export function timeOf(
  clock: Clock,
  tag: RetentionTag,
  manifest: RetentionManifest,
  records: PullRecords,
  now: number,
): number | null {
  const pushed = believed(tag.pushedAt, now);
  if (clock === "pushed") return pushed;
  if (clock === "created") return believed(manifest.createdAt, now) ?? pushed;
  return lastUse(manifest, pushed, records, now);
}

/** The same of a manifest without a tag: `pushed` is when it lost its last tag, or its push where that is later or all that is known. */
export function untaggedTimeOf(
  clock: Clock,
  manifest: RetentionManifest,
  records: PullRecords,
  now: number,
): number | null {
  const pushed = believed(manifest.pushedAt, now);
  const untagged = believed(manifest.untaggedAt, now);
  const since = later(pushed, untagged);
  if (clock === "pushed") return since;
  if (clock === "created") return believed(manifest.createdAt, now) ?? since;
  return lastUse(manifest, since, records, now);
}

/**
 * Whether it was pulled at or after that time: true, false, or null where nobody knows. No pull is an answer
 * only where pulls are recorded for as long.
 */
export function pulledSince(
  from: number,
  manifest: RetentionManifest,
  { pullsSince }: PullRecords,
  now: number,
): boolean | null {
  if (manifest.pulledAt !== null) {
    const pulled = believed(manifest.pulledAt, now);
    return pulled === null ? null : pulled >= from;
  }
  return pullsSince !== null && pullsSince !== undefined && pullsSince <= from ? false : null;
}

function lastUse(
  manifest: RetentionManifest,
  pushed: number | null,
  { pullsSince }: PullRecords,
  now: number,
): number | null {
  // It may have been set a moment ago, and not been pulled since.
  if (pushed === null) return null;
  if (manifest.pulledAt !== null) {
    const pulled = believed(manifest.pulledAt, now);
    return pulled === null ? null : Math.max(pulled, pushed);
  }
  return pullsSince === null || pullsSince === undefined ? null : Math.max(pullsSince, pushed);
}

function later(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}
