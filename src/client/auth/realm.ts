import { getDomain } from "tldts";
import { RegistryError } from "../../oci/errors.ts";
import type { RegistryAddress } from "../address.ts";
import { isAddress } from "../http/reach.ts";

/** Where the tokens of a registry come from. */
export interface Realm {
  readonly url: URL;
  /** Whether it is known to belong to the registry: others are asked only as nobody. */
  readonly trusted: boolean;
}

/**
 * Reads the realm that a registry names. Credentials go only where nobody can read them on the way, unless
 * the registry itself is such a place, and only to its own domain or a server that was configured. Throws
 * REMOTE for an address that is none, or without TLS. Pure.
 */
export function readRealm(
  realm: string,
  { host, plain, origin }: RegistryAddress,
  tokenServers: readonly string[],
): Realm {
  const url = /[\s\\]/.test(realm) ? null : URL.parse(realm);
  const secure = url?.protocol === "https:" || (plain && url?.protocol === "http:");
  if (!url || !secure || url.username || url.password) {
    throw new RegistryError("REMOTE", {
      reason: `${host} sends credentials to a token server that is not on https; they were not sent`,
    });
  }
  const own = new URL(origin).hostname;
  const trusted =
    sameDomain(own, url.hostname) ||
    tokenServers.some((one) => one === url.host || one === `${url.host}:${defaultPort(url)}`);
  return { url, trusted };
}

/** The error for credentials that would go where they have not been given for. */
export function strangerRealm(
  { host }: RegistryAddress,
  { origin, host: server }: URL,
): RegistryError {
  return new RegistryError("CREDENTIALS", {
    reason: `${host} sends credentials to ${origin}, which is not of its domain; they were not sent. If that is right, say tokenServers: [${server}] for this registry`,
  });
}

/** Whether two hosts belong to the same owner, by what the list of public suffixes says. Pure. */
function sameDomain(one: string, other: string): boolean {
  if (one === other) return true;
  if (isAddress(one) || isAddress(other)) return false;
  const domain = registrable(one);
  return domain !== null && domain === registrable(other);
}

function registrable(hostname: string): string | null {
  // Suffixes that a company gives names below of (github.io, …) count: who has one owns not the others.
  return getDomain(hostname, { allowPrivateDomains: true });
}

function defaultPort({ protocol }: URL): string {
  return protocol === "https:" ? "443" : "80";
}
