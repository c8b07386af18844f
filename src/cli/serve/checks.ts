import { randomBytes } from "node:crypto";
import { type Check, Impaired, Lasting } from "../../observe/health.ts";
import { asRegistryError } from "../../http/reply.ts";
import type { Metadata } from "../../metadata/metadata.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Storage } from "../../storage/storage.ts";
import { PROBE } from "../../storage/tree.ts";

/**
 * What must work for the registry to be ready: storage and database, by doing with each what a push
 * does. In read-only mode, what a pull does: nothing is written then.
 */
export function healthChecks(registry: () => Registry, readOnly: () => boolean): Check[] {
  const check = (
    name: string,
    reads: (registry: Registry) => Promise<unknown>,
    writes: (registry: Registry) => Promise<unknown>,
  ): Check => ({
    name,
    async run() {
      try {
        await (readOnly() ? reads : writes)(registry());
      } catch (error) {
        throw judged(error);
      }
    },
  });
  return [
    check(
      "storage",
      ({ storage }) => look(storage),
      ({ storage }) => probe(storage),
    ),
    check(
      "database",
      ({ metadata }) => read(metadata),
      ({ metadata, now }) => commit(metadata, now()),
    ),
  ];
}

/** Writes, syncs, reads and removes a small file. */
async function probe(storage: Storage): Promise<void> {
  const bytes = randomBytes(64);
  const writer = await storage.append(PROBE, 0);
  try {
    await writer.write(bytes);
    await writer.sync();
  } finally {
    await writer.close();
  }
  const found = await storage.readSmall(PROBE);
  if (!found || !bytes.equals(found)) throw new Error("other bytes came back than were written");
  await storage.delete(PROBE);
}

async function look(storage: Storage): Promise<void> {
  for await (const _ of storage.list("")) return;
}

const SETTING = "probed";

async function commit(metadata: Metadata, now: number): Promise<void> {
  await metadata.setSetting(SETTING, new Date(now).toISOString());
}

async function read(metadata: Metadata): Promise<void> {
  await metadata.getSetting(SETTING);
}

/** A full disk takes no pushes, and serves pulls as before. After a failed sync nothing is certain. */
function judged(error: unknown): unknown {
  switch (asRegistryError(error).kind) {
    case "WRITES_STOPPED":
      return new Lasting("a sync failed", { cause: error });
    case "STORAGE_FULL":
      return new Impaired("the disk is full", { cause: error });
    default:
      return error;
  }
}
