import { RegistryError } from "../oci/errors.ts";
import { isRecord } from "../oci/json.ts";
import { JsonError, parseStrictJson } from "../oci/strict-json.ts";
import type { Connection } from "./connection.ts";
import { type Document, HARBOR_API, askHarbor, harborDocument, harborRefusal } from "./harbor.ts";
import type { Subject } from "./http/refusal.ts";

/** Harbor's own garbage collection, which frees what deleted artifacts leave behind. */

/** One run of it, as Harbor records it. Times are UTC milliseconds. */
export interface HarborGcRun {
  readonly id: number;
  readonly state: "waiting" | "running" | "done" | "failed" | "stopped";
  readonly startedAt: number | null;
  readonly updatedAt: number | null;
  /** What it was told. */
  readonly deleteUntagged: boolean | null;
  readonly dryRun: boolean | null;
  /** Null until it has ended, and of Harbors before 2.9, which do not say. */
  readonly freed: {
    readonly bytes: number;
    readonly blobs: number;
    readonly manifests: number;
  } | null;
}

export interface HarborGcWish {
  /** Artifacts without a tag go as well, however young they are: also those of a push that goes on. */
  readonly deleteUntagged: boolean;
  readonly dryRun?: boolean;
}

export interface HarborGcOptions {
  /** Between two looks at a run. Milliseconds. */
  readonly lookEvery?: number;
  /** Ends the waiting, not the run. */
  readonly signal?: AbortSignal;
  /** Called at each look at which something is new. */
  readonly each?: (run: HarborGcRun) => void;
}

/** How a collection went. */
export interface HarborGcResult {
  readonly run: HarborGcRun;
  /** It had been going on before, and was waited for. What was asked for then may differ. */
  readonly joined: boolean;
}

const LOOK_EVERY = 2000;
const RIGHTS =
  "the user must be an administrator, or a system robot with garbage-collection rights";
const SUBJECT: Subject = { about: "Harbor's garbage collection", missing: "REMOTE" };
const LARGEST = 4 * 1024 * 1024;
/**
 * Lets Harbor collect, and waits for the end; a collection that goes on already is waited for instead.
 * Throws CREDENTIALS without the rights to it, UNAVAILABLE when the waiting was ended by the signal, REMOTE when
 * Harbor does not answer. A run that failed or was stopped is a result, not an error.
 */
export async function collectHarbor(
  connection: Connection,
  wish: HarborGcWish,
  options: HarborGcOptions = {},
): Promise<HarborGcResult> {
  const going = await unfinished(connection);
  const begun = going ?? (await begin(connection, wish));
  const run = await untilEnded(connection, begun.run, options);
  return { run, joined: begun.joined };
}

/** The latest runs, the newest first. Throws CREDENTIALS without the rights to see them. */
export async function harborGcHistory(connection: Connection, most = 10): Promise<HarborGcRun[]> {
  const query = `page=1&page_size=${most}&sort=-id`;
  const reply = await askHarbor(connection, {
    method: "GET",
    path: `${HARBOR_API}/system/gc?${query}`,
  });
  if (reply.status !== 200) throw await refused(connection, reply.status, reply);
  const list = json(await reply.read(LARGEST));
  const runs = list === null ? [] : Array.isArray(list) ? list.map(parseRun) : [null];
  if (runs.every((run) => run !== null)) return runs;
  throw new RegistryError("REMOTE", {
    reason: `${connection.address.origin} sends no list of its collections`,
  });
}

interface Begun {
  readonly run: HarborGcRun;
  readonly joined: boolean;
}

async function unfinished(connection: Connection): Promise<Begun | null> {
  const run = (await harborGcHistory(connection)).find((one) => !hasEnded(one));
  return run ? { run, joined: true } : null;
}

async function begin(connection: Connection, wish: HarborGcWish): Promise<Begun> {
  const reply = await askHarbor(connection, {
    method: "POST",
    path: `${HARBOR_API}/system/gc/schedule`,
    body: {
      schedule: { type: "Manual" },
      parameters: { delete_untagged: wish.deleteUntagged, dry_run: wish.dryRun ?? false },
    },
  });
  if (reply.status === 409) {
    // Somebody else was quicker.
    await reply.discard();
    const going = await unfinished(connection);
    if (going) return going;
    throw new RegistryError("COLLECTION_REFUSED", {
      reason: `${connection.address.origin} answers 409 to a collection, and none goes on`,
    });
  }
  if (reply.status !== 201 && reply.status !== 200) {
    throw await refused(connection, reply.status, reply);
  }
  const id = /\/system\/gc\/(\d{1,15})$/.exec(reply.header("location") ?? "")?.[1];
  await reply.discard();
  if (id !== undefined) return { run: await look(connection, +id), joined: false };
  // Harbors before 2.2 name no run.
  const [newest] = await harborGcHistory(connection, 1);
  if (newest) return { run: newest, joined: false };
  throw new RegistryError("REMOTE", {
    reason: `${connection.address.origin} has taken a collection, and shows none`,
  });
}

async function untilEnded(
  connection: Connection,
  first: HarborGcRun,
  { lookEvery = LOOK_EVERY, signal, each }: HarborGcOptions,
): Promise<HarborGcRun> {
  let run = first;
  for (let last = ""; ; run = await look(connection, run.id)) {
    const seen = JSON.stringify(run);
    if (seen !== last) each?.(run);
    last = seen;
    if (hasEnded(run)) return run;
    await pause(lookEvery, signal);
    if (signal?.aborted) {
      throw new RegistryError("UNAVAILABLE", {
        reason: `the end of collection ${run.id} of ${connection.address.origin} was not waited for; it goes on there`,
      });
    }
  }
}

async function look(connection: Connection, id: number): Promise<HarborGcRun> {
  const run = parseRun(await harborDocument(connection, `/system/gc/${id}`, SUBJECT));
  if (run) return run;
  throw new RegistryError("REMOTE", {
    reason: `${connection.address.origin} says nothing sensible of collection ${id}`,
  });
}

function hasEnded({ state }: HarborGcRun): boolean {
  return state !== "waiting" && state !== "running";
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const stop = (): void => resolve();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

async function refused(
  connection: Connection,
  status: number,
  reply: Parameters<typeof harborRefusal>[1],
): Promise<RegistryError> {
  if (status !== 403 && status !== 401) return await harborRefusal(connection, reply, SUBJECT);
  await reply.discard();
  return new RegistryError("CREDENTIALS", {
    reason: `${SUBJECT.about}: ${connection.address.origin} answers ${status}; ${RIGHTS}`,
    status,
  });
}

const STATES: Readonly<Record<string, HarborGcRun["state"]>> = {
  pending: "waiting",
  scheduled: "waiting",
  running: "running",
  success: "done",
  finished: "done",
  error: "failed",
  stopped: "stopped",
};

function parseRun(value: unknown): HarborGcRun | null {
  if (!isRecord(value)) return null;
  const { id, job_status: status, job_parameters: text } = value;
  const state = typeof status === "string" ? STATES[status.toLowerCase()] : undefined;
  if (typeof id !== "number" || !Number.isSafeInteger(id) || !state) return null;
  const parameters = parametersOf(text);
  return {
    id,
    state,
    startedAt: timeOf(value["creation_time"]),
    updatedAt: timeOf(value["update_time"]),
    deleteUntagged: flag(parameters["delete_untagged"]),
    dryRun: flag(parameters["dry_run"]),
    freed: freedOf(parameters),
  };
}

/** The parameters of a run are a JSON text; what it has found out is added to them. */
function parametersOf(text: unknown): Document {
  const value = typeof text === "string" ? json(new TextEncoder().encode(text)) : null;
  return isRecord(value) ? value : {};
}

function freedOf({
  freed_space: bytes,
  purged_blobs: blobs,
  purged_manifests: manifests,
}: Document): HarborGcRun["freed"] {
  if (typeof bytes !== "number" || typeof blobs !== "number") return null;
  return { bytes, blobs, manifests: typeof manifests === "number" ? manifests : 0 };
}

function json(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes);
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

function flag(value: unknown): boolean | null {
  return typeof value === "boolean" ? value : null;
}

function timeOf(value: unknown): number | null {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) || time <= 0 ? null : time;
}
