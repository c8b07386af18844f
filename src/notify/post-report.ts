import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/schema.ts";
import { deliver } from "./deliver.ts";
import { endpointOf } from "./endpoint.ts";
import { waitAfter } from "./retry.ts";

export type ReportEndpoint = Config["keep"]["report"][number];

/** How long one endpoint is tried, in all. */
const PATIENCE_MS = 60_000;
/** For one answer. */
const TIMEOUT_MS = 10_000;
/** After a few quick attempts. */
const BACKOFF = { threshold: 3, backoff: 1000 };

/** What became of a report at one endpoint. */
export interface Posted {
  /** Scheme, host and port: the rest may be a secret. */
  readonly where: string;
  /** Null: it was delivered. */
  readonly reason: string | null;
}

export interface PostOptions {
  /** Milliseconds after which an endpoint is given up. */
  readonly patience?: number;
  /** Gives all of them up. */
  readonly stop?: AbortSignal;
  /** From 0 to 1. */
  readonly chance?: () => number;
  readonly now?: () => number;
}

/**
 * Posts a report, as JSON, to all endpoints at once, each again and again until it takes it or patience
 * ends. Signed as notifications are. Never throws: what a run has done does not depend on who hears of it.
 */
export async function postReport(
  endpoints: readonly ReportEndpoint[],
  report: object,
  options: PostOptions = {},
): Promise<Posted[]> {
  const body = JSON.stringify(report);
  return await Promise.all(endpoints.map((endpoint) => postTo(endpoint, body, options)));
}

async function postTo(
  { url, headers, secret }: ReportEndpoint,
  body: string,
  {
    patience = PATIENCE_MS,
    stop = new AbortController().signal,
    chance = Math.random,
    now = Date.now,
  }: PostOptions,
): Promise<Posted> {
  const where = new URL(url).origin;
  const endpoint = endpointOf({
    name: "report",
    url,
    headers: { "content-type": ["application/json"], ...headers },
    ...(secret !== undefined && { secret }),
    timeout: TIMEOUT_MS,
    ...BACKOFF,
    batch: 1,
    disabled: false,
    ignore: { actions: [], mediaTypes: [] },
  });
  const end = performance.now() + patience;
  for (let failures = 1; ; failures++) {
    const outcome = await deliver(endpoint, body, stop, now);
    if (outcome.delivered) return { where, reason: null };
    const wait = waitAfter(failures, BACKOFF, outcome.after, chance());
    if (stop.aborted || performance.now() + wait > end) return { where, reason: outcome.reason };
    // A stop ends the wait, and the next attempt at once.
    await sleep(wait, undefined, { signal: stop }).catch(() => undefined);
  }
}
