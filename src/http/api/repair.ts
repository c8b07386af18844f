import { repairRegistry } from "../../gc/repair.ts";
import { repairServing } from "../../gc/repair-serving.ts";
import { type SourceWish, openSource } from "../../gc/repair-source.ts";
import { settled } from "../../gc/settled.ts";
import { RegistryError } from "../../oci/errors.ts";
import { isRecord } from "../../oci/json.ts";
import { JsonError, parseStrictJson } from "../../oci/strict-json.ts";
import { readBody } from "../body.ts";
import type { Handler } from "../exchange.ts";
import { jsonLines } from "../json-lines.ts";
import { inTurn } from "../turns.ts";
import { checking } from "./check.ts";

/**
 * Checks, and repairs what can be repaired without guessing, as JSON lines: `{"step"}` for what is done,
 * `{"left"}` for what stays broken, `{"progress"}`, and `{"done"}` at the end. It stops when the client goes
 * away, between two steps; asking again is safe.
 */
export const repairAll: Handler = async ({ request, registry }) => {
  const { verifyBytes, dryRun, from } = await readWish(request);
  const { metadata, storage, rules } = registry;
  const what = repairServing(registry);
  const events = repairRegistry(what, {
    verifyBytes,
    dryRun,
    sparse: rules.sparse,
    settle: async () => await settled(metadata),
    source: from && openSource(from),
  });
  return jsonLines(await inTurn(checking, storage, "another check", events));
};

/** Bytes. */
const LARGEST_WISH = 64 * 1024;

interface Wish {
  readonly verifyBytes: boolean;
  readonly dryRun: boolean;
  readonly from: SourceWish | null;
}

async function readWish(request: Request): Promise<Wish> {
  const bytes = await readBody(request, LARGEST_WISH, (limit) =>
    bad(`the body has more than ${limit} bytes`),
  );
  const body = bytes.length === 0 ? {} : parse(bytes);
  refuseStrangers(body, ["verifyBytes", "dryRun", "from"], "the body");
  const { from = null } = body;
  return {
    verifyBytes: yes(body, "verifyBytes"),
    dryRun: yes(body, "dryRun"),
    from: from === null ? null : sourceIn(from),
  };
}

function sourceIn(from: unknown): SourceWish {
  if (!isRecord(from)) throw bad(`"from" must be an object`);
  refuseStrangers(from, ["url", "username", "password", "token", "identity", "insecure"], `"from"`);
  const text = (key: string): string | null => {
    const value = from[key] ?? null;
    if (value === null || (typeof value === "string" && value.length <= 16_384)) return value;
    throw bad(`"from.${key}" must be a text`);
  };
  const url = text("url");
  if (url === null) throw bad(`"from" needs a "url"`);
  const [username, password] = [text("username"), text("password")];
  const [token, identity] = [text("token"), text("identity")];
  return { url, username, password, token, identity, insecure: yes(from, "insecure") };
}

function yes(body: Readonly<Record<string, unknown>>, key: string): boolean {
  const value = body[key] ?? false;
  if (typeof value === "boolean") return value;
  throw bad(`"${key}" must be true or false`);
}

function refuseStrangers(
  body: Readonly<Record<string, unknown>>,
  known: readonly string[],
  where: string,
): void {
  const stranger = Object.keys(body).find((key) => !known.includes(key));
  if (stranger !== undefined) throw bad(`${where} has an unknown key ${JSON.stringify(stranger)}`);
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value = parseStrictJson(bytes);
    if (isRecord(value)) return value;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
  }
  throw bad("the body must be a JSON object");
}

function bad(reason: string): RegistryError {
  return new RegistryError("PARAMETER_INVALID", { reason });
}
