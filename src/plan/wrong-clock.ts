import type { ClockReading } from "../client/clock-reading.ts";
import type { RetentionPolicy } from "../retention/policy.ts";

/** Milliseconds. Nobody has a rule for minutes; and a `Date` that is somewhat late says nothing. */
const TOLERANCE = 3_600_000;

/**
 * Why nothing may be decided by age at a registry: one of the two clocks is wrong, and nobody knows which. Null:
 * they agree, or the registry does not tell its time. Pure.
 */
export function clockTrouble(reading: ClockReading | null): string | null {
  if (reading === null || Math.abs(reading.ours - reading.theirs) <= TOLERANCE) return null;
  const [ours, theirs] = [textOf(reading.ours), textOf(reading.theirs)];
  return `the clocks differ: it is ${ours} here, and ${theirs} at the registry; its policy goes by age`;
}

/**
 * Whether a policy asks how old something is: what has no tag is let go only after its first hour, and a budget
 * goes by time. Pure.
 */
export function goesByAge(policy: Pick<RetentionPolicy, "delete" | "keep" | "budget">): boolean {
  return (
    policy.budget !== undefined ||
    policy.delete.some(({ olderThan, untagged }) => olderThan !== undefined || untagged === true) ||
    policy.keep.some(
      ({ pulledWithin, pushedWithin, createdWithin }) =>
        (pulledWithin ?? pushedWithin ?? createdWithin) !== undefined,
    )
  );
}

/** A date may say anything that is a number. */
function textOf(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}
