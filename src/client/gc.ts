import { isRecord } from "../oci/json.ts";
import type { Connection } from "./connection.ts";
import { type Document, askForLines } from "./json-lines.ts";

/** Bytes. */
const LONGEST_STATUS = 4 * 1024 * 1024;

/** What a Wharfinger says of its collections, as far as commands use it. */
export interface RemoteStatus {
  readonly state: "idle" | "waiting" | "running";
  readonly obstacle: { readonly reason: string; readonly endsIn: number | null } | null;
  readonly run: RemoteRun | null;
  readonly consent: Document | null;
  /** The newest first. */
  readonly runs: readonly RemoteRun[];
  /** All that it said. */
  readonly document: Document;
}

export type RemoteRun = Document & { readonly id: number };

/** Throws REMOTE when the registry is none of ours. */
export async function collectionStatus(connection: Connection): Promise<RemoteStatus> {
  return await ask(connection, { method: "GET" });
}

/** Begins a collection, or joins the one that goes on. */
export async function askToCollect(
  connection: Connection,
  wish: { readonly consent: boolean },
): Promise<RemoteStatus> {
  return await ask(connection, { method: "POST", body: wish });
}

/** What a collection would take away, if its owner said yes: `{repository}`, and at last `{done}`. */
export function collectionPlan(connection: Connection, consent = true): AsyncGenerator<Document> {
  const path = `/api/v1/gc/plan?consent=${consent}`;
  return askForLines(connection, { method: "GET", path }, "a plan");
}

async function ask(
  connection: Connection,
  how: { readonly method: "GET" | "POST"; readonly body?: Document },
): Promise<RemoteStatus> {
  const reply = await connection.ask({
    ...how,
    path: "/api/v1/gc",
    scope: "registry:admin:*",
    accept: "application/json",
  });
  if (reply.status !== 200 && reply.status !== 202) {
    throw await connection.refusal(reply, { about: "a collection", missing: "REMOTE" });
  }
  const document = await reply.object(LONGEST_STATUS);
  const { state, obstacle, run, consent, runs } = document;
  const { reason, endsIn } = isRecord(obstacle) ? obstacle : {};
  return {
    state: state === "running" || state === "waiting" ? state : "idle",
    obstacle: isRecord(obstacle)
      ? { reason: String(reason), endsIn: typeof endsIn === "number" ? endsIn : null }
      : null,
    run: isRun(run) ? run : null,
    consent: isRecord(consent) ? consent : null,
    runs: Array.isArray(runs) ? runs.filter(isRun) : [],
    document,
  };
}

function isRun(value: unknown): value is RemoteRun {
  return isRecord(value) && typeof value["id"] === "number";
}
