import { RegistryError } from "../oci/errors.ts";
import { isRecord } from "../oci/json.ts";
import { JsonError, parseStrictJson } from "../oci/strict-json.ts";
import type { Connection } from "./connection.ts";

/** Bytes: a finding names every image that it breaks. */
const LONGEST_LINE = 64 * 1024 * 1024;

type Document = Readonly<Record<string, unknown>>;

/**
 * Lets a Wharfinger check itself; yields its lines, the last of them `{"done"}`. Throws REMOTE when the
 * registry is none of ours or the answer breaks off.
 */
export async function* askForCheck(
  connection: Connection,
  verifyBytes: boolean,
): AsyncGenerator<Document> {
  const { origin } = connection.address;
  const reply = await connection.ask({
    method: "GET",
    path: `/api/v1/check${verifyBytes ? "?verifyBytes=true" : ""}`,
    scope: "registry:admin:*",
    accept: "application/x-ndjson",
    endless: true,
  });
  if (reply.status !== 200) {
    throw await connection.refusal(reply, { about: "a check", missing: "REMOTE" });
  }
  if (reply.header("content-type") !== "application/x-ndjson") {
    await reply.discard();
    throw new RegistryError("REMOTE", { reason: `${origin} is not a Wharfinger` });
  }
  for await (const line of reply.lines(LONGEST_LINE)) {
    if (line === "") continue;
    const document = parse(line);
    if (!document) throw new RegistryError("REMOTE", { reason: `${origin} sends something else` });
    yield document;
    if ("done" in document) return;
  }
  throw new RegistryError("REMOTE", { reason: `the check of ${origin} broke off` });
}

function parse(line: string): Document | null {
  try {
    const value = parseStrictJson(new TextEncoder().encode(line));
    return isRecord(value) ? value : null;
  } catch (error) {
    if (error instanceof JsonError) return null;
    throw error;
  }
}
