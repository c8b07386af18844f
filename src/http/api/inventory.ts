import {
  allRetentionFromMetadata,
  retentionFromMetadata,
} from "../../inventory/retention-from-metadata.ts";
import { RegistryError } from "../../oci/errors.ts";
import { parseName } from "../../oci/name.ts";
import { readSmallBlob } from "../../registry/blobs.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Handler } from "../exchange.ts";
import { jsonLines } from "../json-lines.ts";
import { flag, single } from "../query.ts";

/**
 * What retention goes by, as JSON lines: `{"inventory"}` for each repository in ASCII order, or for the one
 * that `name` names, and `{"done"}` at the end. Each is as it was at one moment. An answer without the last one
 * has broken off. `created`: also when images were built, for which their configs are read once.
 */
export const getInventory: Handler = async ({ query, registry }) => {
  const wish = { created: flag(query, "created") };
  const name = single(query, "name") || null;
  const source = retentionSource(registry);
  if (name === null) return jsonLines(lines(allRetentionFromMetadata(source, wish)));
  const inventory = await retentionFromMetadata(parseName(name), source, wish);
  if (!inventory) throw new RegistryError("NAME_UNKNOWN", { reason: name });
  return jsonLines(lines([inventory]));
};

/** A registry that is open, as inventories are read of it. */
export function retentionSource(registry: Registry) {
  return {
    metadata: registry.metadata,
    readBlob: async (...of: readonly [Parameters<typeof readSmallBlob>[0], number]) =>
      await readSmallBlob(...of, registry),
  };
}

async function* lines(
  inventories: AsyncIterable<object> | Iterable<object>,
): AsyncGenerator<object> {
  let repositories = 0;
  for await (const inventory of inventories) {
    repositories++;
    yield { inventory };
  }
  yield { done: { repositories } };
}
