import { join } from "node:path";

/** Where things are in a data folder. Spelled out once more, so that the tests do not believe the code they test. */
export function inTree(data: string) {
  const root = join(data, "docker", "registry", "v2");
  const hex = (digest: string): string => digest.slice("sha256:".length);
  return {
    blob: (digest: string): string =>
      join(root, "blobs", "sha256", hex(digest).slice(0, 2), hex(digest), "data"),
    layerLink: (repository: string, digest: string): string =>
      join(root, "repositories", repository, "_layers", "sha256", hex(digest), "link"),
  } as const;
}
