/** What a register may hold: a digest, or null when there is nothing. */
export type Value = string | null;

/**
 * One operation on a register, as its client saw it. Times are of one monotonic clock; `returned` is
 * infinite when the client never learned the outcome: it may take effect at any later time, or never.
 */
export interface Operation {
  readonly called: number;
  readonly returned: number;
  /** A read and what it saw; a look that only saw whether something is there; or a write and what it set. */
  readonly kind: "read" | "look" | "write";
  readonly value: Value;
  /** Of a look, and of a removal: whether something was there. Unset when the client was not told. */
  readonly found?: boolean;
}

/**
 * Whether there is an order of the operations that a single register could have gone through: each at
 * one moment between its call and its return, each read seeing the last write before it.
 *
 * The search of Wing and Gong with Lowe's memory of what was tried: it takes operations one by one that
 * began before any other that is left had ended, and goes back where that leads nowhere.
 */
export function isLinearizable(history: readonly Operation[], initial: Value = null): boolean {
  const operations = history.toSorted((a, b) => a.called - b.called);
  const tried = new Set<string>();
  /** Those that were taken out of the order of their calls; all before `from` were taken, too. */
  const ahead = new Set<number>();

  const search = (from: number, value: Value): boolean => {
    while (ahead.has(from)) from++;
    const state = `${from} ${[...ahead]
      .filter((at) => at > from)
      .toSorted((a, b) => a - b)
      .join()} ${value}`;
    if (tried.has(state)) return false;
    tried.add(state);
    const next: number[] = [];
    let firstReturn = Number.POSITIVE_INFINITY;
    for (let at = from; at < operations.length; at++) {
      const operation = operations[at];
      if (!operation || operation.called > firstReturn) break;
      if (ahead.has(at)) continue;
      next.push(at);
      firstReturn = Math.min(firstReturn, operation.returned);
    }
    // What is left then may never have happened.
    if (firstReturn === Number.POSITIVE_INFINITY) return true;
    for (const at of next) {
      const operation = operations[at];
      if (!operation || operation.called > firstReturn || !fits(operation, value)) continue;
      ahead.add(at);
      if (search(from, operation.kind === "write" ? operation.value : value)) return true;
      ahead.delete(at);
    }
    return false;
  };
  return search(0, initial);
}

function fits({ kind, value, found }: Operation, held: Value): boolean {
  if (kind === "read") return value === held;
  return found === undefined || found === (held !== null);
}
