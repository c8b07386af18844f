import { clientOf } from "../auth/address.ts";
import { tooManyRequests } from "../oci/errors.ts";

/** An image has dozens of parts, asked for at once: so many seconds' worth may come together. */
const BURST_SECONDS = 10;
/** Addresses that are remembered; one that has been quiet for a while needs no remembering. */
const MOST_ADDRESSES = 50_000;

/**
 * How many requests each client may send: `perSecond`, and ten seconds' worth at once.
 *
 * Of each address one number is kept, the time at which all that it has sent would have been in order
 * (a token bucket, seen from its other end: "generic cell rate algorithm"). Memory is bounded: beyond
 * 50,000 addresses the one that has been quiet for longest is forgotten.
 */
export class Flood {
  readonly #settledAt = new Map<string, number>();
  readonly #interval: number;

  constructor(
    perSecond: number,
    readonly most: number = MOST_ADDRESSES,
  ) {
    this.#interval = 1000 / perSecond;
  }

  /** Takes one request in at `now` (ms of one clock). Throws TOO_MANY_REQUESTS, with Retry-After. */
  admit(address: string, now: number): void {
    const wait = this.wait(clientOf(address), now);
    if (wait === 0) return;
    const rate = Math.round(100_000 / this.#interval) / 100;
    throw tooManyRequests(`more than ${rate} a second`, wait);
  }

  /** Milliseconds until a request of this client would be in order; 0: this one is, and counts. */
  wait(client: string, now: number): number {
    const settledAt = Math.max(this.#settledAt.get(client) ?? 0, now);
    const early = settledAt + this.#interval - now - BURST_SECONDS * 1000;
    // A rate below one in ten seconds must still let the first one in.
    if (early > 0 && settledAt > now) return early;
    this.#settledAt.delete(client);
    this.#settledAt.set(client, settledAt + this.#interval);
    if (this.#settledAt.size > this.most) this.#forget(now);
    return 0;
  }

  /** In the order of their last requests. */
  #forget(now: number): void {
    for (const [client, settledAt] of this.#settledAt) {
      if (settledAt > now && this.#settledAt.size <= this.most) break;
      this.#settledAt.delete(client);
    }
  }
}
