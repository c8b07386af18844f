import { existsSync } from "node:fs";
import { join } from "node:path";

/** The programs of other people that the end-to-end tests drive, or compare with. */
export const peers = [
  "skopeo",
  "buildah",
  "podman",
  "docker-registry",
  "strace",
  "openssl",
  "oras",
  "schemathesis",
] as const;
export type Peer = (typeof peers)[number];

/** Either where the program is, or why it cannot be used here. */
export type Found = { readonly path: string } | { readonly reason: string };

/** Where programs are kept that are not installed into the machine. Ignored by git. */
export const cacheFolder = join(import.meta.dir, "..", "..", ".cache", "clients");
export const registryFolder = join(cacheFolder, "docker-registry");

/** A program from PyPI, in a virtual environment of its own. */
export interface PythonPackage {
  readonly version: string;
  /** The version is part of the name, so that a newer one gets a folder of its own. */
  readonly folder: string;
  /** Written last: an installation that was interrupted has none, and is done again. */
  readonly complete: string;
}

export const pythonPackages: Readonly<Record<"oras" | "schemathesis", PythonPackage>> = {
  oras: pythonPackage("oras", "0.2.43"),
  schemathesis: pythonPackage("schemathesis", "4.32.5"),
};

function pythonPackage(name: string, version: string): PythonPackage {
  const folder = join(cacheFolder, `${name}-${version}`);
  return { version, folder, complete: join(folder, "complete") };
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Takes a few milliseconds at most, so that a test file can ask while it is being loaded. */
export function client(peer: Peer): Found {
  switch (peer) {
    case "oras":
      return pythonClient(peer, "python");
    case "schemathesis":
      return pythonClient(peer, "schemathesis");
    case "docker-registry": {
      const path = Bun.which(peer) ?? join(registryFolder, "usr", "bin", peer);
      return existsSync(path) ? { path } : { reason: `${peer} was not found` };
    }
    case "buildah":
    case "podman": {
      const path = Bun.which(peer);
      if (path === null) return { reason: `${peer} was not found` };
      return mayMount() ? { path } : { reason: `${peer} needs root, and to be allowed to mount` };
    }
    case "skopeo":
    case "openssl":
    case "strace": {
      const path = Bun.which(peer);
      return path === null ? { reason: `${peer} was not found` } : { path };
    }
  }
}

function pythonClient(peer: keyof typeof pythonPackages, program: string): Found {
  const { version, folder, complete } = pythonPackages[peer];
  const path = join(folder, "bin", program);
  return existsSync(complete) && existsSync(path)
    ? { path }
    : { reason: `the Python package ${peer} ${version} is not in .cache/clients` };
}

let mounts: boolean | undefined;

/**
 * Whether images can be unpacked here. Without root both programs need ranges of user ids, which few
 * test machines have; in a container without privileges even root can neither mount nor get a namespace to do so in.
 */
export function mayMount(): boolean {
  mounts ??=
    isRoot() &&
    [["--mount"], ["--user", "--map-root-user", "--mount"]].some(
      (flags) =>
        Bun.spawnSync(["unshare", ...flags, "true"], { stdout: "ignore", stderr: "ignore" })
          .success,
    );
  return mounts;
}

/** For the inside of a group, where the program is known to be there. */
export function clientPath(peer: Peer): string {
  const found = client(peer);
  if ("reason" in found) throw new Error(found.reason);
  return found.path;
}
