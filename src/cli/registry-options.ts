import type { Command } from "commander";
import { parseAddress } from "../client/address.ts";
import type { CredentialSource } from "../client/auth/credentials.ts";
import { storedCredentials } from "../client/auth/stored-credentials.ts";
import type { Connection } from "../client/connection.ts";
import { openRegistry } from "../client/open-registry.ts";
import type { Terminal } from "./terminal.ts";

/** Which registry a command talks to, and how. */
export interface RegistryOptions {
  readonly registry?: string;
  readonly plainHttp?: boolean;
  readonly insecure?: boolean;
}

/** Somebody waits at a terminal: less patience than a schedule has. */
export const BY_HAND = { retries: 2 };

/** Where `wharf serve` listens when it is told nothing. */
export const LOCAL = "http://127.0.0.1:5000";

export function withRegistryOptions(command: Command): Command {
  return command
    .option("--registry <URL>", `HOST[:PORT] or a URL (default: WHARF_REGISTRY, else ${LOCAL})`)
    .option("--plain-http", "http, not https; without it only localhost is http")
    .option("--insecure", "take the registry's certificate without checking it");
}

/** The registry that a server of ours says it serves a folder at. */
export function connectionTo(
  url: string,
  { insecure = false }: RegistryOptions,
  { environment }: Terminal,
): Connection {
  return openRegistry({ url, insecure, ...BY_HAND }, { environment });
}

/** The registries that one run of a command talks to, each opened once. */
export interface Registries {
  /** `host` from an image's name wins over `--registry`; null when the name has none. Throws USAGE. */
  at(host: string | null): Connection;
}

export function openRegistries(
  options: RegistryOptions,
  { environment }: Terminal,
  credentials: CredentialSource = storedCredentials(environment),
): Registries {
  const { plainHttp = false, insecure = false } = options;
  const open = new Map<string, Connection>();
  return {
    at(host) {
      const named = host ?? (options.registry || environment["WHARF_REGISTRY"] || LOCAL);
      const address = parseAddress(named, plainHttp);
      const known = open.get(address.origin);
      if (known) return known;
      const connection = openRegistry(
        { url: named, insecure, ...BY_HAND },
        { environment, stored: credentials, plainHttp },
      );
      open.set(address.origin, connection);
      return connection;
    },
  };
}
