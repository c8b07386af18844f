/** What of an upload decides whether it can be given up. */
interface Unfinished {
  readonly busy: unknown;
  readonly offset: number;
  readonly touchedAt: number;
}

/** Between the request that opens an upload and the one that brings its first bytes. */
const EMPTY_GRACE_MS = 10_000;
/** A client that lost its connection has come back after this, or will not. */
const GRACE_MS = 3600 * 1000;

/**
 * The upload that can be given up when there are too many: of those without a byte the one that nobody
 * touched for longest, else of the others. Null when all of them may still be in use. Pure.
 */
export function leastMissed<T extends Unfinished>(sessions: readonly T[], now: number): T | null {
  const idle = sessions.filter(
    ({ busy, offset, touchedAt }) =>
      !busy && touchedAt <= now - (offset === 0 ? EMPTY_GRACE_MS : GRACE_MS),
  );
  const empty = idle.filter(({ offset }) => offset === 0);
  const [first, ...rest] = empty.length > 0 ? empty : idle;
  if (!first) return null;
  return rest.reduce((least, one) => (one.touchedAt < least.touchedAt ? one : least), first);
}
