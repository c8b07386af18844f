/** One page of a listing, and where the next begins: null when this was the last. */
export interface Paged<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/**
 * Cuts a page of at most `n` from a listing that was asked for `n + 1`: the one too many only tells
 * that there is more. Pure.
 */
export function cutPage<T>(items: readonly T[], n: number, cursor: (item: T) => string): Paged<T> {
  if (items.length <= n) return { items, next: null };
  const page = items.slice(0, n);
  const last = page.at(-1);
  return { items: page, next: last === undefined ? null : cursor(last) };
}
