import type { Connection } from "../../client/connection.ts";
import { findTaggedAccessory } from "../../client/harbor-accessories.ts";
import { recognizeHarbor, requireHarbor } from "../../client/harbor.ts";
import { type RegistryEntry, openRegistry } from "../../client/open-registry.ts";
import {
  deleteHarborArtifact,
  listHarborArtifacts,
  listHarborRepositories,
  removeHarborTag,
  resolveHarborTag,
} from "../../client/harbor-artifacts.ts";
import { inventoryFromHarbor } from "../../inventory/from-harbor.ts";
import { RegistryError } from "../../oci/errors.ts";
import { type RepositoryName, parseName } from "../../oci/name.ts";
import type { Digest } from "../../oci/digest.ts";
import type { PruneTarget } from "../prune-target.ts";

export interface HarborTargetOptions {
  /** As in the configuration; null: the host. */
  readonly name: string | null;
  /** Null: all that this user may see. */
  readonly repositories: readonly string[] | null;
}

/** An entry of `registries:`, as far as it matters here. */
export interface HarborSettings extends RegistryEntry {
  readonly name: string;
  /** `auto`: it is asked whether it is a Harbor. */
  readonly type: string;
  readonly repositories?: readonly string[] | undefined;
}

/** Opens an entry of `registries:`; null: it is no Harbor, and was not said to be one. Throws as `openHarborTarget`. */
export async function openHarbor(
  settings: HarborSettings,
  { environment }: { readonly environment: Readonly<Record<string, string | undefined>> },
): Promise<PruneTarget | null> {
  const connection = openRegistry(settings, { environment });
  if (settings.type !== "harbor" && !(await recognizeHarbor(connection))) return null;
  const { name, repositories = null } = settings;
  return await openHarborTarget(connection, { name, repositories });
}

/**
 * A Harbor, through its own API alone: tags and artifacts come with their exact times, a tag can always be
 * removed by itself, and nothing is read in a way that Harbor would count as a pull.
 *
 * Throws REMOTE when it is none, CREDENTIALS when it does not know who we are.
 */
export async function openHarborTarget(
  connection: Connection,
  { name, repositories }: HarborTargetOptions,
): Promise<PruneTarget> {
  const { readOnly } = await requireHarbor(connection);
  const { origin, host } = connection.address;
  const removing = async (remove: () => Promise<void>): Promise<void> => {
    // It would say 403, as to somebody who may not.
    if (readOnly) throw new RegistryError("REFUSED", { reason: `${origin} is read-only` });
    await unlessGone(remove());
  };
  return {
    registry: { name: name ?? host, place: origin, bytes: "estimated" },
    removesTags: async () => true,

    async *repositories() {
      const names = new Set<RepositoryName>(repositories?.map(parseName));
      // Half a list is none.
      if (!repositories) for await (const one of listHarborRepositories(connection)) names.add(one);
      yield* [...names].toSorted();
    },

    async inventoryOf(repository) {
      const artifacts = await listHarborArtifacts(connection, repository);
      return artifacts && inventoryFromHarbor(repository, artifacts);
    },

    resolve: (repository, tag) => resolveHarborTag(connection, repository, tag),

    removeTag: (repository, tag) => removing(() => removeHarborTag(connection, repository, tag)),

    // Harbor takes children and accessories along, so that the plan finds them gone when their turn comes.
    deleteManifest: (repository, digest) =>
      removing(async () => {
        await refuseTaggedAccessory(connection, repository, digest);
        await deleteHarborArtifact(connection, repository, digest);
      }),

    clock: () => connection.clock(),

    async close() {},
  };
}

/** Nothing has decided about such a tag: it is in no list that plans are made from. */
async function refuseTaggedAccessory(
  connection: Connection,
  repository: RepositoryName,
  digest: Digest,
): Promise<void> {
  const found = await findTaggedAccessory(connection, repository, digest);
  if (!found) return;
  const what = `${found.digest}, an accessory of ${found.subject}, has the tag ${found.tags[0]}`;
  throw new RegistryError("REFUSED", {
    reason: `${repository}: ${what}, and Harbor would delete it along with ${digest}`,
  });
}

async function unlessGone(removed: Promise<void>): Promise<void> {
  try {
    await removed;
  } catch (error) {
    if (!(error instanceof RegistryError) || error.kind !== "MANIFEST_UNKNOWN") throw error;
  }
}
