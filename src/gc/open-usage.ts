import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type UsageSource, usageOfMetadata, usageOfTree } from "../inventory/measure-usage.ts";
import { databaseIn, demandRegistry, isOurs, lookInto } from "../metadata/data-folder.ts";
import { sqliteReads } from "../metadata/sqlite-reads.ts";
import { treeFiles } from "../storage/tree-files.ts";

/**
 * Opens a data folder that no server of ours has open, to count its bytes. Nothing in it is changed, not even a
 * lock is taken: what another program changes meanwhile may be seen or not. Throws DATA_FOLDER.
 */
export function openUsage(folder: string): Disposable & { readonly source: UsageSource } {
  const root = resolve(folder);
  demandRegistry(root);
  const database = databaseIn(root);
  if (!existsSync(database)) {
    const none = async (): Promise<{ entries: number; bytes: number }> => ({
      entries: 0,
      bytes: 0,
    });
    return { source: usageOfTree(treeFiles(root), none), [Symbol.dispose]: () => undefined };
  }
  const reader = lookInto(database);
  const metadata = sqliteReads(reader);
  const source = isOurs(root)
    ? usageOfMetadata(metadata)
    : usageOfTree(treeFiles(root), async () => await metadata.sumTrash());
  return { source, [Symbol.dispose]: () => reader.close() };
}
