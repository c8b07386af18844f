import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type UsageSource, usageOfMetadata, usageOfTree } from "../inventory/measure-usage.ts";
import { openForLooking } from "../metadata/sqlite-file.ts";
import { sqliteReads } from "../metadata/sqlite-reads.ts";
import { RegistryError } from "../oci/errors.ts";
import { treeFiles } from "../storage/tree-files.ts";
import { OURS, TREE } from "../storage/tree.ts";
import { isOurs } from "./open-checkable.ts";

/**
 * Opens a data folder that no server of ours has open, to count its bytes. Nothing in it is changed, not even a
 * lock is taken: what another program changes meanwhile may be seen or not. Throws DATA_FOLDER.
 */
export function openUsage(folder: string): Disposable & { readonly source: UsageSource } {
  const root = resolve(folder);
  const database = join(root, OURS, "metadata.sqlite");
  const ours = isOurs(root);
  if (!ours && !existsSync(join(root, TREE))) {
    throw new RegistryError("DATA_FOLDER", { reason: `${root} is no data folder of a registry` });
  }
  if (!existsSync(database)) {
    const none = async (): Promise<{ entries: number; bytes: number }> => ({
      entries: 0,
      bytes: 0,
    });
    return { source: usageOfTree(treeFiles(root), none), [Symbol.dispose]: () => undefined };
  }
  const reader = open(database);
  const metadata = sqliteReads(reader);
  const source = ours
    ? usageOfMetadata(metadata)
    : usageOfTree(treeFiles(root), async () => await metadata.sumTrash());
  return { source, [Symbol.dispose]: () => reader.close() };
}

function open(database: string): ReturnType<typeof openForLooking> {
  try {
    return openForLooking(database);
  } catch (error) {
    const reason = `${database}: ${(error as Error).message}`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  }
}
