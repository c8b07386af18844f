import { resolve } from "node:path";
import { inventoryWith, lookAt } from "./tree-inventory.ts";
import { RegistryError } from "../oci/errors.ts";
import type { PruneTarget } from "../plan/prune-target.ts";
import { metadataTarget } from "../plan/targets/metadata.ts";
import { readSmallBlob } from "../registry/blobs.ts";
import { type OpenRegistry, openRegistry } from "../registry/open.ts";
import { type OpenTree, openTreeToCollect } from "./open-tree.ts";
import { runningRegistries } from "./running-registries.ts";
import { recoverTrash } from "./tree-recover.ts";
import { TreePruning } from "./tree-prune.ts";

export interface TreeTargetOptions {
  readonly folder: string;
  /** Whether a policy needs to know when images were built. */
  readonly created: boolean;
  /** UTC milliseconds. */
  readonly now: () => number;
  /** Says something that a person should hear. */
  readonly warn: (line: string) => void;
}

const MAX_MANIFEST_SIZE = 8 * 1024 * 1024;

/**
 * The folder of a registry that no server of ours has open: one of ours that is stopped, or another registry's,
 * which may be running.
 *
 * It is read as it lies, and nothing is written, until the first thing is to be removed. Then it is locked: one of
 * ours is opened as a server would, and its database does the rest; in another's the links go, after rows of the
 * trash that say how to put them back. Blobs stay for a collection (`wharf gc DIR`). Throws DATA_FOLDER.
 */
export function treeTarget(options: TreeTargetOptions): PruneTarget {
  const { folder, created, now, warn } = options;
  const place = resolve(folder);
  const look = lookAt(place, created);
  let opened: Promise<Acting> | null = null;
  /** Looks that are under way: what they read is open until they end. */
  const looking = new Set<Promise<unknown>>();
  const act = async (): Promise<Acting> => {
    opened ??= look.then(async (looked) => {
      await Promise.allSettled(looking);
      await looked.close();
      return looked.ours ? await openOurs(place, options) : await openForeign(place, options);
    });
    return await opened;
  };
  // Whoever asks first hears of it.
  look.catch(() => undefined);
  return {
    registry: { name: place, place, bytes: "exact" },
    removesTags: async () => true,
    async *repositories() {
      for (const name of (await look).names()) {
        yield name;
        await new Promise(setImmediate);
      }
    },
    async inventoryOf(name) {
      const looked = await look;
      if (opened) return await (await opened).inventoryOf(name);
      const reading = inventoryWith(name, looked);
      looking.add(reading);
      try {
        return await reading;
      } finally {
        looking.delete(reading);
        await new Promise(setImmediate);
      }
    },
    async resolve(name, tag) {
      const looked = await look;
      return opened ? await (await opened).resolve(name, tag) : looked.resolve(name, tag);
    },
    removeTag: async (name, tag) => await (await act()).removeTag(name, tag),
    deleteManifest: async (...what) => await (await act()).deleteManifest(...what),
    async close() {
      if (opened) await (await opened).close();
      else await (await look).close();
    },
  };

  async function openForeign(root: string, { created: wants }: TreeTargetOptions): Promise<Acting> {
    const open = await openTreeToCollect(root, true);
    try {
      return await foreignTarget(open, wants, now, warn);
    } catch (error) {
      await open[Symbol.asyncDispose]();
      throw error;
    }
  }
}

type Acting = Pick<
  PruneTarget,
  "inventoryOf" | "resolve" | "removeTag" | "deleteManifest" | "close"
>;

async function openOurs(root: string, options: TreeTargetOptions): Promise<Acting> {
  const { created, now, warn } = options;
  const quiet = (): void => undefined;
  const rules = { delete: true, sparse: false, maxManifestSize: MAX_MANIFEST_SIZE };
  const open: OpenRegistry = await openRegistry(root, rules, {
    reading: quiet,
    read: quiet,
    info: quiet,
    warn: (_, message) => warn(message),
  });
  const { registry } = open;
  return metadataTarget({
    registry: { name: root, place: root },
    source: {
      metadata: registry.metadata,
      readBlob: async (digest, limit) => await readSmallBlob(digest, limit, registry),
    },
    created,
    by: () => null,
    now,
    close: async () => await open.close(),
  });
}

async function foreignTarget(
  open: OpenTree,
  created: boolean,
  now: () => number,
  warn: (line: string) => void,
): Promise<Acting> {
  const { files, metadata } = open;
  if (!metadata) throw new Error("a trash was to be made");
  await recoverTrash(metadata, files, now());
  const look = await lookAt(files.root, created);
  await look.close();
  const pruning = new TreePruning({ files, metadata, now });
  return {
    inventoryOf: async (name) => await inventoryWith(name, look),
    resolve: async (name, tag) => look.resolve(name, tag),
    removeTag: async (name, tag) => await pruning.removeTag(name, tag),
    deleteManifest: async (...what) => await pruning.deleteManifest(...what),
    async close() {
      try {
        const { back } = await pruning.end();
        for (const line of back) warn(line);
        const [running] = runningRegistries(files.root);
        if (running?.caches) {
          warn(
            `the registry that runs on this folder (process ${running.pid}) remembers what was there: restart it after \`wharf gc\` has collected the blobs`,
          );
        }
      } catch (error) {
        throw error instanceof RegistryError
          ? error
          : new RegistryError(
              "DATA_FOLDER",
              { reason: (error as Error).message },
              { cause: error },
            );
      } finally {
        await open[Symbol.asyncDispose]();
      }
    },
  };
}
