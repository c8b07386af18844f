/** However often something is deleted, a collection waits no longer than this. */
export const LONGEST_MS = 10 * 60_000;

/** Since when something is told of, and when the last time; UTC milliseconds. */
export interface Told {
  readonly firstAt: number;
  readonly lastAt: number;
}

/** When it has been quiet for long enough, or noisy for too long: UTC milliseconds. Pure. */
export function quietAt({ firstAt, lastAt }: Told, quiet: number): number {
  return Math.min(lastAt + quiet, firstAt + Math.max(quiet, LONGEST_MS));
}

/** One more at this time. A clock that was put back must not make it wait until it has caught up. Pure. */
export function toldAgain(before: Told | null, at: number): Told {
  return { firstAt: Math.min(before?.firstAt ?? at, at), lastAt: at };
}
