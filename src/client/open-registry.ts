import { parseAddress } from "./address.ts";
import type { CredentialSource, Environment } from "./auth/credentials.ts";
import { storedCredentials } from "./auth/stored-credentials.ts";
import { type Connection, openConnection } from "./connection.ts";

/** How one registry is reached: an entry of `registries[]`, as far as a connection needs it. */
export interface RegistryEntry {
  /** `HOST[:PORT]` or a URL. */
  readonly url: string;
  /** With `password`; both before anything that `docker login` has left. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** A PEM file: who may have signed its certificate, besides the usual ones. */
  readonly ca?: string | undefined;
  /** Take any certificate of its host. */
  readonly insecure?: boolean;
  /** A URL. Unset: as HTTPS_PROXY, HTTP_PROXY and NO_PROXY say. */
  readonly proxy?: string | undefined;
  /** Its token server may be at a private address although it is not. */
  readonly privateRealm?: boolean;
  /** `HOST[:PORT]` of token servers that are not of its own domain. */
  readonly tokenServers?: readonly string[] | undefined;
  /** Requests at once. */
  readonly concurrency?: number;
  /** Requests a second at most. */
  readonly rate?: number | undefined;
  /** Of a request that was answered 429 or 5xx, or not at all. */
  readonly retries?: number;
}

/** What of this machine a connection may look at. */
export interface Surroundings {
  readonly environment: Environment;
  /** Where credentials come from when the entry has none; unset: what `docker login` and the like have left. */
  readonly stored?: CredentialSource;
}

/**
 * Opens one registry. Everybody who talks to it shares this one connection: its limits count all their
 * requests together. Nothing is sent yet. Throws USAGE for an address, CA or proxy that is none.
 */
export function openRegistry(
  entry: RegistryEntry,
  { environment, stored }: Surroundings,
): Connection {
  const { username, password, insecure = false } = entry;
  const credentials: CredentialSource =
    username === undefined || password === undefined
      ? (stored ?? storedCredentials(environment))
      : { find: async () => ({ kind: "password", username, password, from: "the configuration" }) };
  return openConnection(parseAddress(entry.url), { credentials, insecure });
}
