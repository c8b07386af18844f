import { RegistryError } from "../oci/errors.ts";
import { isLoopback } from "../oci/loopback.ts";

/** Where a registry is. */
export interface RegistryAddress {
  /** Scheme, host and port, such as `https://registry.example.com`; no slash at the end. */
  readonly origin: string;
  /** `HOST[:PORT]`, as it stands in front of an image's name and in credential files. */
  readonly host: string;
  /** Plain http: everything can be read on the way. */
  readonly plain: boolean;
}

/** Docker Hub is named by one host and answers at another. */
const HUB = "docker.io";
const HUB_API = "registry-1.docker.io";

/**
 * Reads `HOST[:PORT]` or `http(s)://HOST[:PORT]`. Without a scheme this machine's own addresses are
 * http, as every other client has it, and all others https unless `plainHttp`. Throws USAGE.
 */
export function parseAddress(text: string, plainHttp = false): RegistryAddress {
  const scheme = /^(https?):\/\//i.exec(text)?.[1]?.toLowerCase();
  const url = URL.parse(scheme ? text : `https://${text}`);
  if (!url || /[\s\\]/.test(text)) throw bad(text, "it is not HOST[:PORT] or a URL");
  if (url.username || url.password) {
    throw new RegistryError("USAGE", {
      reason: "a registry's address has no user or password in it",
    });
  }
  if (url.pathname !== "/" || url.search || url.hash) throw bad(text, "it must end after the host");
  if (scheme === "https" && plainHttp) throw bad(text, "it says https, and --plain-http says http");
  const plain = scheme ? scheme === "http" : plainHttp || isLoopback(url.hostname);
  // The port that is left out differs between the two schemes, so the scheme is known before the port is.
  const { host } = scheme || !plain ? url : new URL(`http://${text}`);
  if (host === HUB) return { origin: `https://${HUB_API}`, host: HUB, plain: false };
  return { origin: `${plain ? "http" : "https"}://${host}`, host, plain };
}

function bad(text: string, why: string): RegistryError {
  // What stands before an @ may be a password.
  const shown = text.includes("@") ? "the registry's address" : JSON.stringify(text.slice(0, 300));
  return new RegistryError("USAGE", { reason: `${shown}: ${why}` });
}
