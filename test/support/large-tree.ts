import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Digest, digestOf, hexOf } from "../../src/oci/digest.ts";

/** What a tree of many small images has. Its tags are `v0`, `v1` and so on. */
export interface LargeTree {
  readonly repositories: readonly string[];
  readonly tags: number;
  /** So many tags after each other have one image; 1 unless said. */
  readonly shared?: number;
}

const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

/**
 * Writes a tree as registry:2 leaves it, file by file: to push so much would take minutes. All images have
 * one layer; image n was built n minutes after the year 2024 began.
 */
export function writeLargeTree(data: string, { repositories, tags, shared = 1 }: LargeTree): void {
  const root = join(data, "docker", "registry", "v2");
  const written = new Set<Digest>();
  const blob = (bytes: Uint8Array): Digest => {
    const digest = digestOf(bytes);
    if (written.has(digest)) return digest;
    written.add(digest);
    const hex = hexOf(digest);
    write(join(root, "blobs", "sha256", hex.slice(0, 2), hex, "data"), bytes);
    return digest;
  };
  const link = (folder: string, digest: Digest): void => write(join(folder, "link"), digest);
  const layer = new TextEncoder().encode("one layer for all of them");
  for (const repository of repositories) {
    const home = join(root, "repositories", repository);
    const layers = join(home, "_layers", "sha256");
    link(join(layers, hexOf(blob(layer))), blob(layer));
    let manifest: Digest | undefined;
    for (let at = 0; at < tags; at++) {
      if (at % shared === 0) {
        const config = encode({
          created: new Date(Date.UTC(2024, 0, 1) + at * 60_000).toISOString(),
          architecture: "amd64",
          os: "linux",
          config: { Labels: { of: `${repository} ${at}` } },
          rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
        });
        const descriptor = { mediaType: CONFIG, digest: blob(config), size: config.length };
        manifest = blob(
          encode({
            schemaVersion: 2,
            mediaType: IMAGE,
            config: descriptor,
            layers: [{ mediaType: LAYER, digest: digestOf(layer), size: layer.length }],
          }),
        );
        link(join(layers, hexOf(descriptor.digest)), descriptor.digest);
        link(join(home, "_manifests", "revisions", "sha256", hexOf(manifest)), manifest);
      }
      const tag = join(home, "_manifests", "tags", `v${at}`);
      if (!manifest) throw new Error("a tag without an image");
      link(join(tag, "current"), manifest);
      link(join(tag, "index", "sha256", hexOf(manifest)), manifest);
    }
  }
}

function encode(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
