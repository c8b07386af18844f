import { RegistryError } from "../oci/errors.ts";
import { isRecord } from "../oci/json.ts";
import { JsonError, parseStrictJson } from "../oci/strict-json.ts";
import type { Ask, Connection } from "./connection.ts";

/** Bytes. */
const LONGEST_LINE = 64 * 1024 * 1024;

export type Document = Readonly<Record<string, unknown>>;

/**
 * What a Wharfinger answers with one JSON object after the other; the last has `done`. `about`: in a few
 * words, for messages. Throws REMOTE when the registry is none of ours or the answer breaks off.
 */
export async function* askForLines(
  connection: Connection,
  ask: Omit<Ask, "scope" | "accept" | "endless">,
  about: string,
): AsyncGenerator<Document> {
  const { origin } = connection.address;
  const type = "application/x-ndjson";
  const reply = await connection.ask({
    ...ask,
    scope: "registry:admin:*",
    accept: type,
    endless: true,
  });
  if (reply.status !== 200) throw await connection.refusal(reply, { about, missing: "REMOTE" });
  if (reply.header("content-type") !== type) {
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
  throw new RegistryError("REMOTE", { reason: `${about} of ${origin} broke off` });
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
