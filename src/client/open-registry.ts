import { RegistryError } from "../oci/errors.ts";
import { parseAddress } from "./address.ts";
import type { CredentialSource, Environment } from "./auth/credentials.ts";
import { storedCredentials } from "./auth/stored-credentials.ts";
import { type Connection, openConnection } from "./connection.ts";
import type { Pacing } from "./http/limits.ts";
import type { LookUp } from "./http/look-up.ts";
import { environmentProxy, fixedProxy, proxySecrets } from "./http/proxy.ts";
import { trustFor } from "./http/trust.ts";

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
  readonly stored?: CredentialSource | undefined;
  /** Folders with certificates by `HOST[:PORT]`; unset: those of docker and podman. */
  readonly certificates?: readonly string[] | undefined;
  /** Say http where the entry's address says nothing. */
  readonly plainHttp?: boolean | undefined;
  /** For tests: how names are looked up, and time. */
  readonly lookUp?: LookUp | undefined;
  readonly pacing?: Pacing | undefined;
}

/** As in the schema of `registries[]`. */
const USUAL_CONCURRENCY = 8;
const USUAL_RETRIES = 5;

/**
 * Opens one registry. Everybody who talks to it shares this one connection: its limits count all their
 * requests together. Nothing is sent yet. Throws USAGE for an address, CA or proxy that is none.
 */
export function openRegistry(entry: RegistryEntry, around: Surroundings): Connection {
  const { insecure = false, ca, proxy, privateRealm, tokenServers } = entry;
  const { concurrency = USUAL_CONCURRENCY, rate = null, retries = USUAL_RETRIES } = entry;
  const { environment, plainHttp, certificates, lookUp, pacing } = around;
  const address = parseAddress(entry.url, plainHttp);
  return openConnection(address, {
    credentials: credentialsOf(entry, around),
    insecure,
    limits: { concurrency, rate },
    retries,
    privateRealm,
    tokenServers,
    proxyFor: proxy === undefined ? environmentProxy(environment) : fixedProxy(proxy),
    trust: address.plain ? undefined : trustFor(address.host, ca, certificates),
    secrets: proxySecrets(proxy, environment),
    lookUp,
    pacing,
  });
}

/** What the configuration says comes before what anybody has left here. */
function credentialsOf(
  { url, username, password }: RegistryEntry,
  { environment, stored }: Surroundings,
): CredentialSource {
  if (username === undefined && password === undefined) {
    return stored ?? storedCredentials(environment);
  }
  if (username === undefined || password === undefined) {
    const missing = username === undefined ? "username" : "password";
    throw new RegistryError("USAGE", { reason: `${JSON.stringify(url)} has no ${missing}` });
  }
  const found = { kind: "password", username, password, from: "the configuration" } as const;
  return { find: async () => found };
}
