import type { Finding, Health, Readiness } from "../observe/health.ts";
import type { Handler } from "./exchange.ts";
import { json } from "./reply.ts";

/** An answer from a cache would say how things were. */
const FRESH = { "cache-control": "no-store" } as const;

/** The event loop turns: an answer is all that can be known of that. */
export function livez(): Response {
  return json({ status: "ok" }, FRESH);
}

/** Whether the data folder is open and what was in it has been read. */
export function startupz({ health }: { readonly health: Health }): Response {
  return health.started ? json({ status: "ok" }, FRESH) : json({ status: "starting" }, FRESH, 503);
}

/** Whether requests can be served. With `?verbose`, every check and how long it took. */
export async function readyz(
  { health }: { readonly health: Health },
  query: URLSearchParams,
): Promise<Response> {
  const readiness = await health.ready();
  const status = readiness.status === "unavailable" ? 503 : 200;
  return json(describe(readiness, query.has("verbose")), FRESH, status);
}

/**
 * The same in the form of the distribution registry: what fails, and why; nothing when all is well.
 * A full disk does not stop pulls, but is told here: whoever looks wants to know.
 */
export async function debugHealth({ health }: { readonly health: Health }): Promise<Response> {
  const { status, findings } = await health.ready();
  const failing = findings.flatMap(({ check, reason }) =>
    reason === null ? [] : [[check, reason]],
  );
  const body = Object.fromEntries(failing) as Record<string, string>;
  return json(body, FRESH, status === "unavailable" ? 503 : 200);
}

export const getLivez: Handler = async () => livez();
export const getReadyz: Handler = async ({ operations, query }) => await readyz(operations, query);
export const getStartupz: Handler = async ({ operations }) => startupz(operations);

function describe({ status, findings }: Readiness, verbose: boolean) {
  const shown = verbose ? findings : findings.filter(({ reason }) => reason !== null);
  if (!verbose && shown.length === 0) return { status };
  return {
    status,
    checks: Object.fromEntries(shown.map((one) => [one.check, result(one, verbose)])),
  };
}

function result({ reason, ms, at }: Finding, verbose: boolean) {
  if (!verbose) return reason;
  return { ok: reason === null, reason, ms: Math.round(ms), at: new Date(at).toISOString() };
}
