import { join } from "node:path";
import { clientPath } from "./peers.ts";
import { startServer, type Server } from "./process.ts";

export type { Server } from "./process.ts";

export interface WharfOptions {
  /** The data folder; it may exist already. */
  readonly data: string;
  /** Further arguments of `wharf serve`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The statuses of `GET /v2/` that mean it is up. */
  readonly ready?: readonly number[];
  /** Whether it is configured for TLS. */
  readonly secure?: boolean;
}

/**
 * Runs the tests against another registry instead, to see whether a test asks for more than others do:
 * `WHARF_TEST_SERVER=docker-registry bun test test/e2e`. Tests of what only ours has are then skipped.
 */
export const againstDockerRegistry = process.env["WHARF_TEST_SERVER"] === "docker-registry";

const main = join(import.meta.dir, "..", "..", "src", "main.ts");

/** Starts the server under test, as a user does: a process of its own, from its command line. */
export async function startWharf(options: WharfOptions): Promise<Server> {
  if (againstDockerRegistry) return startDockerRegistry(options.data);
  return startServer({
    command: (listen) => [
      process.execPath,
      main,
      "serve",
      "--listen",
      listen,
      "--data",
      options.data,
      ...(options.args ?? []),
    ],
    env: { ...environment(), ...options.env },
    ready: { path: "/v2/", statuses: options.ready ?? [200] },
    secure: options.secure ?? false,
  });
}

/**
 * Starts Debian's docker-registry, the reference implementation, on a data folder; or another program
 * that takes the same configuration. `more`: further settings of it.
 */
export async function startDockerRegistry(
  data: string,
  more: object = {},
  program: string = clientPath("docker-registry"),
): Promise<Server> {
  const config = (listen: string): string => distributionConfig(data, listen, more);
  const secure = "http" in more && JSON.stringify(more.http).includes('"tls"');
  return startServer({
    // It insists on a configuration file; from standard input it needs none on the disk.
    command: (listen) => [
      "sh",
      "-c",
      `exec "$1" serve /dev/stdin <<END\n$2\nEND`,
      "sh",
      program,
      config(listen),
    ],
    env: environment(),
    // With `auth` it asks who we are.
    ready: { path: "/v2/", statuses: "auth" in more ? [401] : [200] },
    secure,
  });
}

/** A configuration of the distribution registry; its YAML is a superset of JSON. */
export function distributionConfig(
  data: string,
  listen: string,
  { http, ...more }: { readonly http?: object } = {},
): string {
  return JSON.stringify({
    version: "0.1",
    storage: { filesystem: { rootdirectory: data }, delete: { enabled: true } },
    http: { addr: listen, secret: "tests", draintimeout: "30s", ...http },
    ...more,
  });
}

/** What the person who runs the tests has configured for a registry of their own must not reach this one. */
function environment(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(WHARF|REGISTRY|OTEL)_/.test(name)),
  );
}
