import type { CollectionWrites, Seen } from "../metadata/collection.ts";

/** What is promised about, and where that is written down. */
export interface Promising {
  readonly metadata: Pick<CollectionWrites, "see">;
  readonly rules: { readonly grace?: number; readonly readOnly?: boolean };
  /** UTC milliseconds. */
  readonly now: () => number;
}

/** How long nobody must have asked for a thing before it may be collected, unless something else is said. */
export const USUAL_GRACE_MS = 3600 * 1000;

/** Beyond the grace by the quarter for which an answer is not written down. */
const BEYOND = 1.25;

/**
 * Keeps the promise that lies in every answer "it is here": a client that heard it will not upload, and
 * for the grace from then on nothing of it is collected.
 *
 * So that pulls cost no writes, what was seen is written down only when that is older than a quarter of
 * the grace; collections add the quarter. When it cannot be written, on a full disk or in read-only mode,
 * the answer goes out all the same, and collections hold off for as long as it could be relied on.
 */
export class Promises {
  /** Under way, so that a thousand who ask at the same time cost one write. */
  readonly #renewing = new Map<string, Promise<boolean>>();
  #unwritten: { readonly at: number; readonly for: number } | null = null;

  /** `uptime`: monotonic milliseconds. */
  constructor(readonly uptime: () => number = () => performance.now()) {}

  /** How many milliseconds collections have to wait yet; 0: they need not. */
  get holdsOff(): number {
    if (this.#unwritten === null) return 0;
    return Math.max(0, this.#unwritten.at + this.#unwritten.for - this.uptime());
  }

  /**
   * To be called before the answer. Undefined: what is known is young enough, and nothing is to be waited
   * for. Otherwise it resolves to whether the thing is still here; when not, nobody must say so.
   */
  renew(seen: Omit<Seen, "at">, seenAt: number, registry: Promising): Promise<boolean> | undefined {
    const grace = registry.rules.grace ?? USUAL_GRACE_MS;
    const at = registry.now();
    // A time in the future is of another clock: it would keep quiet for as long as that was wrong.
    if (seenAt > at - grace / 4 && seenAt <= at + grace / 4) return undefined;
    if (registry.rules.readOnly) {
      this.#hold(grace);
      return undefined;
    }
    const key = `${seen.kind} ${seen.name} ${seen.digest}`;
    const known = this.#renewing.get(key);
    if (known) return known;
    const renewing = this.#write({ ...seen, at }, grace, registry.metadata).finally(() =>
      this.#renewing.delete(key),
    );
    this.#renewing.set(key, renewing);
    return renewing;
  }

  async #write(seen: Seen, grace: number, metadata: Promising["metadata"]): Promise<boolean> {
    try {
      const [isHere = false] = await metadata.see([seen]);
      return isHere;
    } catch {
      this.#hold(grace);
      return true;
    }
  }

  #hold(grace: number): void {
    const until = BEYOND * grace;
    if (this.holdsOff < until) this.#unwritten = { at: this.uptime(), for: until };
  }
}
