import { checkRegistry } from "../../gc/check.ts";
import { settled } from "../../gc/settled.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Handler } from "../exchange.ts";
import { jsonLines } from "../json-lines.ts";
import { flag } from "../query.ts";
import { inTurn } from "../turns.ts";

/** A check reads a lot; several at once would only slow each other and everybody else. A repair is one, too. */
export const checking = new WeakSet<Registry["storage"]>();

/**
 * Checks all that is stored, as JSON lines: `{"finding"}`, `{"progress"}`, and `{"done"}` at the end.
 * An answer without the last one has broken off. It stops when the client goes away.
 */
export const checkAll: Handler = async ({ query, registry }) => {
  const verifyBytes = flag(query, "verifyBytes");
  const { metadata, storage, rules } = registry;
  const events = checkRegistry(
    { metadata, storage, trash: metadata },
    { verifyBytes, sparse: rules.sparse, settle: async () => await settled(metadata) },
  );
  return jsonLines(await inTurn(checking, storage, "another check", events));
};
