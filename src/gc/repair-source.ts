import { hasBlob, openBlob } from "../client/blobs.ts";
import { parseAddress } from "../client/address.ts";
import type { Credentials, Environment } from "../client/auth/credentials.ts";
import { type Connection, openConnection } from "../client/connection.ts";
import { environmentProxy } from "../client/http/proxy.ts";
import { getManifest, resolveDigest } from "../client/manifests.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";

/** What is looked for, and for whom. */
export interface Wanted {
  readonly digest: Digest;
  /** Repositories in which the metadata or a source may have it; none: no source is asked. */
  readonly repositories: readonly RepositoryName[];
  /** Which part of the source's API has it. */
  readonly manifest: boolean;
}

/** Another registry, from which what is lost here may come. What it sends is not believed. */
export interface RepairSource {
  /** For people. */
  readonly name: string;
  /** Whether it says that it has it. False also when it cannot be asked: the repair itself will say why. */
  has(wanted: Wanted): Promise<boolean>;
  /** Null when none of the repositories has it there. Throws REMOTE or CREDENTIALS. */
  open(wanted: Wanted): Promise<AsyncIterable<Uint8Array> | null>;
}

/** Which registry, and what opens it: of the credentials at most one kind is given. */
export interface SourceWish {
  readonly url: string;
  readonly username: string | null;
  readonly password: string | null;
  /** A token as it is. */
  readonly token: string | null;
  /** One that is good only for fetching tokens. */
  readonly identity: string | null;
  readonly insecure: boolean;
}

/**
 * Opens a source with credentials that somebody has sent along; `environment` says which proxy leads there.
 * Throws USAGE when the address is none.
 */
export function openSource(wish: SourceWish, environment: Environment): RepairSource {
  const { url, insecure } = wish;
  const address = parseAddress(url, url.startsWith("http:"));
  const known = credentialsIn(wish);
  // Wherever else the registry sends us to, they are not for that.
  const credentials = { find: async (host: string) => (host === address.host ? known : null) };
  const proxyFor = environmentProxy(environment);
  return repairSource(openConnection(address, { credentials, insecure, proxyFor }));
}

function credentialsIn({ username, password, token, identity }: SourceWish): Credentials | null {
  const from = "the request";
  if (token !== null) return { from, kind: "bearer", token };
  if (identity !== null) return { from, kind: "identity", token: identity };
  if (username === null || password === null) return null;
  return { from, kind: "password", username, password };
}

export function repairSource(connection: Connection): RepairSource {
  return {
    name: connection.address.origin,
    async has({ repositories, digest, manifest }) {
      for (const name of repositories) {
        try {
          if (manifest) await resolveDigest(connection, name, digest);
          else await hasBlob(connection, name, digest);
          return true;
        } catch (error) {
          if (!(error instanceof RegistryError)) throw error;
        }
      }
      return false;
    },
    async open({ repositories, digest, manifest }) {
      for (const name of repositories) {
        try {
          if (!manifest) return await openBlob(connection, name, digest);
          return once((await getManifest(connection, name, digest)).bytes);
        } catch (error) {
          if (!isAbsent(error)) throw error;
        }
      }
      return null;
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function isAbsent(error: unknown): boolean {
  const kind = error instanceof RegistryError ? error.kind : null;
  return kind === "BLOB_UNKNOWN" || kind === "MANIFEST_UNKNOWN" || kind === "NAME_UNKNOWN";
}
