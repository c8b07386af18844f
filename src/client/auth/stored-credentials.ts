import { join } from "node:path";
import { RegistryError } from "../../oci/errors.ts";
import { type CredentialFile, parseCredentialFile } from "./credential-file.ts";
import { askHelper } from "./credential-helper.ts";
import type { CredentialSource, Credentials, Environment } from "./credentials.ts";

/** The credentials that `docker login`, `podman login` and the like have left. */
export function storedCredentials(environment: Environment): CredentialSource {
  return {
    async find(host) {
      for (const path of credentialFiles(environment)) {
        const file = await read(path);
        const found = file && (await lookUp(file, host, environment));
        if (found) return found;
      }
      return null;
    },
  };
}

/** Where credentials may be, the first first: as the Go clients have it. Pure. */
export function credentialFiles(environment: Environment): string[] {
  const { DOCKER_CONFIG, HOME, REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME } = environment;
  const docker = DOCKER_CONFIG || (HOME && join(HOME, ".docker"));
  return [
    docker && join(docker, "config.json"),
    REGISTRY_AUTH_FILE,
    XDG_RUNTIME_DIR && join(XDG_RUNTIME_DIR, "containers/auth.json"),
    XDG_CONFIG_HOME && join(XDG_CONFIG_HOME, "containers/auth.json"),
  ].filter((path): path is string => !!path);
}

/** A helper named for the host, then the helper for all, then what the file itself has. */
async function lookUp(
  file: CredentialFile,
  host: string,
  environment: Environment,
): Promise<Credentials | null> {
  const names = namesOf(host);
  const helper = first(names, file.helpers) ?? file.store;
  const helped = helper === null ? null : await askHelper(helper, serverName(host), environment);
  return helped ?? first(names, file.entries);
}

/** As a host may stand in the file: with its usual port or without. */
function namesOf(host: string): string[] {
  return /:\d+$/.test(host) ? [host] : [host, `${host}:443`, `${host}:80`];
}

function first<T>(names: readonly string[], map: ReadonlyMap<string, T>): T | null {
  for (const name of names) {
    const value = map.get(name);
    if (value !== undefined) return value;
  }
  return null;
}

/** Docker Hub's credentials are kept under an address of its first version. */
function serverName(host: string): string {
  return host === "docker.io" ? "https://index.docker.io/v1/" : host;
}

async function read(path: string): Promise<CredentialFile | null> {
  let text: string;
  try {
    text = await Bun.file(path).text();
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new RegistryError(
      "CREDENTIALS",
      { reason: `${path} cannot be read (${code})` },
      { cause: error },
    );
  }
  return parseCredentialFile(text, path);
}
