/** Before the endpoint is given the time that `backoff` says. */
const FIRST_MS = 100;

/** No receiver can make us wait longer, by failing or by asking for it. */
const LONGEST_MS = 60_000;
const LONGEST_ASKED_MS = 3600_000;

interface Patience {
  /** After so many failures in a row it backs off. */
  readonly threshold: number;
  /** Milliseconds. */
  readonly backoff: number;
}

/**
 * How long to wait after the n-th failure in a row, in milliseconds. A few quick attempts first, because
 * most failures are a restart; then `backoff`, doubled with each failure, up to a minute (or `backoff`,
 * if that is longer). `chance`, from 0 to 1, takes off up to a half, so that several registries do not
 * come back at once. `asked`: what the receiver's Retry-After says.
 */
export function waitAfter(
  failures: number,
  { threshold, backoff }: Patience,
  asked: number | null,
  chance: number,
): number {
  const beyond = failures - threshold;
  const wait =
    beyond < 0
      ? Math.min(FIRST_MS, backoff)
      : Math.min(backoff * 2 ** Math.min(beyond, 30), Math.max(backoff, LONGEST_MS));
  const jittered = Math.round(wait * (1 - chance / 2));
  return Math.max(jittered, Math.min(asked ?? 0, LONGEST_ASKED_MS));
}
