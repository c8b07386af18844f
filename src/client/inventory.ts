import type { RepositoryName } from "../oci/name.ts";
import type { Connection } from "./connection.ts";
import { type Document, askForLines } from "./json-lines.ts";

/** Bytes. */
const LONGEST_SETTINGS = 4 * 1024 * 1024;

/**
 * What a Wharfinger holds, as retention goes by it, unchecked: of all repositories, or of one; throws
 * NAME_UNKNOWN when that is not there, REMOTE when the registry is none of ours.
 */
export async function* inventories(
  connection: Connection,
  { name, created }: { readonly name?: RepositoryName; readonly created: boolean },
): AsyncGenerator {
  const query = new URLSearchParams({ ...(name && { name }), ...(created && { created: "true" }) });
  const path = `/api/v1/inventory${query.size > 0 ? `?${query.toString()}` : ""}`;
  const ask = { method: "GET", path } as const;
  for await (const line of askForLines(connection, ask, name ?? "the inventory")) {
    if ("inventory" in line) yield line["inventory"];
  }
}

/** By which policies a Wharfinger goes, unchecked; null: it is none of ours, or an older one. */
export async function retentionSettings(connection: Connection): Promise<Document | null> {
  const reply = await connection.ask({
    method: "GET",
    path: "/api/v1/retention",
    scope: "registry:admin:*",
    accept: "application/json",
  });
  const json = reply.header("content-type")?.startsWith("application/json") === true;
  if (reply.status === 401 || reply.status === 403 || reply.status >= 500) {
    const subject = { about: "the policies of the registry", missing: "REMOTE" } as const;
    throw await connection.refusal(reply, subject);
  }
  if (reply.status !== 200 || !json) {
    await reply.discard();
    return null;
  }
  const document = await reply.object(LONGEST_SETTINGS).catch(() => null);
  const ours = document?.["schemaVersion"] === 1 && Array.isArray(document["policies"]);
  return ours ? document : null;
}
