import { existsSync } from "node:fs";
import { join } from "node:path";

/** The programs of other people that the end-to-end tests drive, or compare with. */
export const peers = ["skopeo", "buildah", "podman", "docker-registry", "strace", "oras"] as const;
export type Peer = (typeof peers)[number];

/** Either where the program is, or why it cannot be used here. */
export type Found = { readonly path: string } | { readonly reason: string };

/** Where programs are kept that are not installed into the machine. Ignored by git. */
export const cacheFolder = join(import.meta.dir, "..", "..", ".cache", "clients");
export const registryFolder = join(cacheFolder, "docker-registry");
/** The version is part of the name, so that a newer one gets a folder of its own. */
export const orasVersion = "0.2.43";
export const orasFolder = join(cacheFolder, `oras-${orasVersion}`);
/** Written last: an installation that was interrupted has none, and is done again. */
export const orasComplete = join(orasFolder, "complete");

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Takes a few milliseconds at most, so that a test file can ask while it is being loaded. */
export function client(peer: Peer): Found {
  switch (peer) {
    case "oras": {
      const python = join(orasFolder, "bin", "python");
      return existsSync(orasComplete) && existsSync(python)
        ? { path: python }
        : { reason: `the Python package oras ${orasVersion} is not in .cache/clients` };
    }
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
    case "strace": {
      const path = Bun.which(peer);
      return path === null ? { reason: `${peer} was not found` } : { path };
    }
  }
}

let mounts: boolean | undefined;

/**
 * Whether images can be unpacked here. Without root both programs need ranges of user ids, which few
 * test machines have; in a container without privileges even root can neither mount nor get a namespace to do so in.
 */
function mayMount(): boolean {
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
