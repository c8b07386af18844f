import type { Reply } from "./http/reply.ts";

/** What two clocks showed when an answer came. UTC milliseconds. */
export interface ClockReading {
  readonly ours: number;
  readonly theirs: number;
}

/**
 * The time of a registry, as an answer of its own tells; null: it does not. An answer that a cache has kept is as
 * much older as the cache says. Pure.
 *
 * @see RFC 9110, section 6.6.1 (Date), and RFC 9111, section 5.1 (Age)
 */
export function readClock(reply: Pick<Reply, "header">, ours: number): ClockReading | null {
  const date = reply.header("date");
  const theirs = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(theirs)) return null;
  const age = reply.header("age")?.trim() ?? "";
  return { ours, theirs: theirs + (/^\d{1,9}$/.test(age) ? Number(age) * 1000 : 0) };
}
