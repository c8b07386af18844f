import { retryAfter } from "../../oci/retry-after.ts";
import type { Pacing } from "./limits.ts";
import type { Reply } from "./reply.ts";
import type { Outgoing, Transport } from "./transport.ts";
import { type Fate, fateOf } from "./unreachable.ts";

export interface RetryOptions extends Pacing {
  /** How often a request is repeated at most. */
  readonly retries: number;
  /** From 0 to 1. */
  readonly chance: () => number;
  /** UTC milliseconds, to understand dates in a Retry-After. */
  readonly date: () => number;
  /** The server wants everybody to wait, in milliseconds. */
  readonly pause?: ((ms: number) => void) | undefined;
}

const FIRST_MS = 300;
const LONGEST_MS = 30_000;
/** No server can make us wait longer at once, by asking for it. */
const LONGEST_ASKED_MS = 60_000;
/** What all repetitions of one request may take together. */
const BUDGET_MS = 5 * 60_000;

/** What any server may have for a moment: out of breath, restarting, its storage away. */
const PASSING = new Set([500, 502, 503, 504]);

/**
 * Repeats what can be repeated: reading, after an answer that may be better next time or none; anything,
 * when it was not heard or was answered 429. What changes something and may have been done is never repeated
 * here: whoever asked has to look first.
 *
 * Waits longer each time, unlike everybody else, and as a Retry-After says, up to a minute.
 */
export function retrying(send: Transport, options: RetryOptions): Transport {
  const { retries, now, sleep, chance, date, pause } = options;
  if (retries === 0) return send;
  return async (outgoing) => {
    const end = now() + BUDGET_MS;
    for (let failures = 0; ; failures++) {
      const last = failures === retries;
      let reply: Reply;
      try {
        reply = await send(outgoing);
      } catch (error) {
        const wait = backoff(failures, chance());
        if (last || !repeatable(outgoing, fateOf(error)) || now() + wait > end) throw error;
        await sleep(wait);
        continue;
      }
      if (last || !passing(outgoing, reply)) return reply;
      const asked = retryAfter(reply.header("retry-after"), date());
      const wait = Math.max(backoff(failures, chance()), Math.min(asked ?? 0, LONGEST_ASKED_MS));
      if (now() + wait > end) return reply;
      await reply.discard();
      if (reply.status === 429) pause?.(wait);
      await sleep(wait);
    }
  };
}

/** Milliseconds after so many failures before this one: doubled each time; `chance` takes off up to a half. Pure. */
export function backoff(failures: number, chance: number): number {
  return Math.min(FIRST_MS * 2 ** Math.min(failures, 20), LONGEST_MS) * (1 - chance / 2);
}

function reads({ method }: Outgoing): boolean {
  return method === "GET" || method === "HEAD";
}

function repeatable(outgoing: Outgoing, fate: Fate | null): boolean {
  return fate === "unsent" || (fate === "unknown" && reads(outgoing));
}

function passing(outgoing: Outgoing, { status }: Reply): boolean {
  return status === 429 || (PASSING.has(status) && reads(outgoing));
}
