import type { Connection } from "../../client/connection.ts";
import {
  type RemoteManifest,
  deleteManifest,
  getManifest,
  resolveDigest,
} from "../../client/manifests.ts";
import { pushBlob, putManifest } from "../../client/push.ts";
import { ifThere } from "../../inventory/api/read-facts.ts";
import { type MadePlaceholder, makePlaceholder } from "../../inventory/api/placeholder.ts";
import type { Digest } from "../../oci/digest.ts";
import type { RepositoryName } from "../../oci/name.ts";
import type { Reference, Tag } from "../../oci/reference.ts";

/** One repository of a registry elsewhere, as removals see it. Methods throw REMOTE, REFUSED or CREDENTIALS. */
export interface ApiRepository {
  readonly name: RepositoryName;
  /** Null: it is not there. */
  resolve(reference: Reference): Promise<Digest | null>;
  get(reference: Reference): Promise<RemoteManifest | null>;
  /** False: it was not there. */
  delete(reference: Reference): Promise<boolean>;
  put(reference: Reference, manifest: Pick<RemoteManifest, "mediaType" | "bytes">): Promise<void>;
  /** Pushes the config of a new placeholder; its manifest is `put` by the caller. */
  newPlaceholder(tag: Tag, of: Digest | null): Promise<MadePlaceholder>;
}

export function apiRepository(
  connection: Connection,
  name: RepositoryName,
  id: () => string,
): ApiRepository {
  return {
    name,
    resolve: async (reference) => await ifThere(resolveDigest(connection, name, reference)),
    get: async (reference) => await ifThere(getManifest(connection, name, reference)),
    async delete(reference) {
      const deleted = deleteManifest(connection, name, reference).then(() => true as const);
      return (await ifThere(deleted)) ?? false;
    },
    put: async (reference, { mediaType, bytes }) =>
      await putManifest(connection, name, reference, mediaType, bytes),
    async newPlaceholder(tag, of) {
      const made = makePlaceholder({ tag, of }, id());
      await pushBlob(connection, name, made.config.digest, once(made.config.bytes));
      return made;
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
