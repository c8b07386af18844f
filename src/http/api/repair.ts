import { repairRegistry } from "../../gc/repair.ts";
import { repairServing } from "../../gc/repair-serving.ts";
import { processEnvironment } from "../../config/environment.ts";
import { type SourceWish, openSource } from "../../gc/repair-source.ts";
import { settled } from "../../gc/settled.ts";
import { isRecord } from "../../oci/json.ts";
import type { Handler } from "../exchange.ts";
import { bad, readWish, refuseStrangers, yesOrNo } from "../json-body.ts";
import { jsonLines } from "../json-lines.ts";
import { inTurn } from "../turns.ts";
import { checking } from "./check.ts";

/**
 * Checks, and repairs what can be repaired without guessing, as JSON lines: `{"step"}` for what is done,
 * `{"left"}` for what stays broken, `{"progress"}`, and `{"done"}` at the end. It stops when the client goes
 * away, between two steps; asking again is safe.
 */
export const repairAll: Handler = async ({ request, registry }) => {
  const { verifyBytes, dryRun, from } = await wishIn(request);
  const { metadata, storage, rules } = registry;
  const what = repairServing(registry);
  const events = repairRegistry(what, {
    verifyBytes,
    dryRun,
    sparse: rules.sparse,
    settle: async () => await settled(metadata),
    source: from && openSource(from, processEnvironment()),
  });
  return jsonLines(await inTurn(checking, storage, "another check", events));
};

/** Bytes. */
const LARGEST_WISH = 64 * 1024;

interface RepairWish {
  readonly verifyBytes: boolean;
  readonly dryRun: boolean;
  readonly from: SourceWish | null;
}

async function wishIn(request: Request): Promise<RepairWish> {
  const known = ["verifyBytes", "dryRun", "from"];
  const wish = await readWish(request, known, { limit: LARGEST_WISH, optional: true });
  const { from = null } = wish;
  return {
    verifyBytes: yesOrNo(wish, "verifyBytes"),
    dryRun: yesOrNo(wish, "dryRun"),
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
  return { url, username, password, token, identity, insecure: yesOrNo(from, "insecure") };
}
