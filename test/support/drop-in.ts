import { join } from "node:path";
import { parse } from "yaml";
import { clientPath } from "./peers.ts";
import { startServer, type Server } from "./process.ts";

const root = join(import.meta.dir, "..", "..");

/** Variables of a service in a fixture's compose file, as compose hands them over. */
export async function composeVariables(
  fixture: string,
  service: string,
): Promise<Record<string, string>> {
  const text = await Bun.file(join(legacyFolder(fixture), "compose.yml")).text();
  const compose = parse(text) as {
    services: Record<string, { environment?: Record<string, string> }>;
  };
  const found = compose.services[service];
  if (found === undefined) throw new Error(`${fixture} has no service ${service}`);
  return { ...found.environment };
}

export function legacyFolder(fixture: string): string {
  return join(root, "test", "fixtures", "legacy", fixture);
}

export interface Setup {
  /** The path of a config.yml. */
  readonly config: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The data folder, which both are told with the variable that a user would set. */
  readonly data: string;
  readonly ready?: { readonly path: string; readonly statuses: readonly number[] };
}

const READY = { path: "/v2/", statuses: [200, 401] };

/** Our executable `registry`, as a container or a chart starts it. */
export function startOurs(setup: Setup): Promise<Server> {
  return start(["node", join(root, "bin", "registry.mjs")], setup);
}

/** Debian's, with the same configuration and the same variables. */
export function startTheirs(setup: Setup): Promise<Server> {
  return start([clientPath("docker-registry")], setup);
}

function start(executable: readonly string[], setup: Setup): Promise<Server> {
  return startServer({
    command: (listen) => {
      const variables = {
        REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: setup.data,
        REGISTRY_HTTP_ADDR: listen,
        ...setup.env,
      };
      const set = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
      return ["env", ...set, ...executable, "serve", setup.config];
    },
    env: cleanEnvironment(),
    ready: setup.ready ?? READY,
  });
}

/** What the person who runs the tests has configured for a registry of their own must not reach these. */
export function cleanEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(WHARF|REGISTRY|OTEL)_/.test(name)),
  );
}
