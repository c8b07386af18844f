/**
 * A tree as registry:2 leaves it: 1,110 repositories of 10 images, 10 files each, 111,000 in all. What a
 * registry of that age looks like to a server that opens it for the first time.
 *
 * Written directly: pushing it would take the other registry several minutes.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, manifestType } from "./answers.ts";

const repositories = 1110;
const imagesEach = 10;
const layersEach = 2;

interface Sample {
  readonly repository: string;
  readonly tags: readonly string[];
  readonly manifestDigest: string;
}

export interface Tree {
  /** Moves the tree under another server's data folder: one tree serves all rounds, nothing is deleted. */
  moveTo(data: string): Promise<void>;
  /** The first, the middle and the last repository, to ask a server about. */
  readonly samples: readonly Sample[];
  readonly repositories: number;
}

export function writeTree(folder: string): Tree {
  let place = join(folder, "docker");
  const root = join(place, "registry/v2");
  const samples: Sample[] = [];
  for (let r = 0; r < repositories; r++) {
    const repository = `team${r % 30}/app${r}`;
    const last = writeRepository(root, repository);
    if (r === 0 || r === repositories >> 1 || r === repositories - 1)
      samples.push({ repository, ...last });
  }
  return {
    samples,
    repositories,
    async moveTo(data) {
      await mkdir(data, { recursive: true });
      await rename(place, join(data, "docker"));
      place = join(data, "docker");
    },
  };
}

function writeRepository(root: string, repository: string): Omit<Sample, "repository"> {
  const home = join(root, "repositories", repository);
  const tags: string[] = [];
  let manifestDigest = "";
  for (let i = 0; i < imagesEach; i++) {
    const tag = `1.${i}.0`;
    const layers = Array.from({ length: layersEach }, (_, l) =>
      Buffer.from(`layer ${l} of ${repository}:${tag}\n`),
    );
    const config = Buffer.from(
      JSON.stringify({
        created: "2024-01-01T00:00:00Z",
        architecture: "amd64",
        os: "linux",
        rootfs: { type: "layers", diff_ids: layers.map(digestOf) },
      }),
    );
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: manifestType,
        config: descriptor("application/vnd.oci.image.config.v1+json", config),
        layers: layers.map((layer) => descriptor("application/vnd.oci.image.layer.v1.tar", layer)),
      }),
    );
    manifestDigest = digestOf(manifest);
    for (const blob of [config, ...layers]) {
      writeBlob(root, blob);
      writeLink(join(home, "_layers", pathOf(digestOf(blob))), digestOf(blob));
    }
    writeBlob(root, manifest);
    writeLink(join(home, "_manifests/revisions", pathOf(manifestDigest)), manifestDigest);
    writeLink(join(home, "_manifests/tags", tag, "current"), manifestDigest);
    writeLink(join(home, "_manifests/tags", tag, "index", pathOf(manifestDigest)), manifestDigest);
    tags.push(tag);
  }
  return { tags, manifestDigest };
}

function writeBlob(root: string, bytes: Buffer): void {
  const hex = digestOf(bytes).slice("sha256:".length);
  write(join(root, "blobs/sha256", hex.slice(0, 2), hex), "data", bytes);
}

/** A link's content has no newline. */
function writeLink(folder: string, digest: string): void {
  write(folder, "link", digest);
}

function write(folder: string, name: string, bytes: Buffer | string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), bytes);
}

function descriptor(
  mediaType: string,
  bytes: Buffer,
): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** `sha256:ab…` as the folders `sha256/ab…`. */
function pathOf(digest: string): string {
  return digest.replace(":", "/");
}
