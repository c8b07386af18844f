import type { Connection } from "../../client/connection.ts";
import { inventories } from "../../client/inventory.ts";
import { deleteManifest, resolveDigest } from "../../client/manifests.ts";
import { readRetentionDocument } from "../../inventory/retention-document.ts";
import type { RetentionInventory } from "../../inventory/retention-inventory.ts";
import type { ErrorKind } from "../../oci/error-table.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { RepositoryName } from "../../oci/name.ts";
import type { PruneTarget } from "../prune-target.ts";

export interface OwnTargetOptions {
  readonly connection: Connection;
  /** For plans; default: the host. */
  readonly name?: string;
  /** Whether a policy needs to know when images were built. */
  readonly created: boolean;
}

/** Inventories that came with the list of all, and that nobody has asked for yet. */
const AHEAD = 32;

/**
 * A running registry of ours, through its API: with all that it knows of itself, so that bytes are exact.
 * What goes is deleted as any client would, and lies in its trash.
 */
export function ownTarget({ connection, name: called, created }: OwnTargetOptions): PruneTarget {
  const { origin, host } = connection.address;
  const ahead = new Map<RepositoryName, RetentionInventory>();
  const checked = (document: unknown, about: RepositoryName | null): RetentionInventory => {
    const inventory = readRetentionDocument(document, about);
    if (inventory) return inventory;
    const of = about ?? "a repository";
    throw new RegistryError("REMOTE", { reason: `${origin} sends no inventory of ${of}` });
  };
  return {
    registry: { name: called ?? host, place: origin, bytes: "exact" },
    removesTags: async () => true,
    async *repositories() {
      // In one answer: asked for one by one, thousands of small ones would take much longer.
      for await (const document of inventories(connection, { created })) {
        const inventory = checked(document, null);
        if (ahead.size >= AHEAD) ahead.clear();
        ahead.set(inventory.name, inventory);
        yield inventory.name;
      }
    },
    async inventoryOf(name) {
      const known = ahead.get(name);
      ahead.delete(name);
      if (known) return known;
      try {
        for await (const document of inventories(connection, { name, created })) {
          return checked(document, name);
        }
        throw new RegistryError("REMOTE", { reason: `${origin} sends no inventory of ${name}` });
      } catch (error) {
        if (isKind(error, "NAME_UNKNOWN")) return null;
        throw error;
      }
    },
    async resolve(name, tag) {
      try {
        return await resolveDigest(connection, name, tag);
      } catch (error) {
        if (isKind(error, ...ABSENT)) return null;
        throw error;
      }
    },
    removeTag: async (name, tag) => await ifThere(deleteManifest(connection, name, tag)),
    deleteManifest: async (name, digest) => await ifThere(deleteManifest(connection, name, digest)),
    clock: () => connection.clock(),
    close: async () => undefined,
  };
}

const ABSENT: readonly ErrorKind[] = ["MANIFEST_UNKNOWN", "NAME_UNKNOWN"];

async function ifThere(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isKind(error, ...ABSENT)) throw error;
  }
}

function isKind(error: unknown, ...kinds: readonly ErrorKind[]): boolean {
  return error instanceof RegistryError && kinds.includes(error.kind);
}
