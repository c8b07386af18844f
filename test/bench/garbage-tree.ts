/**
 * A tree with a known share of garbage, as registry:2 leaves it: images with three layers of their own
 * and five that all share, of which some have lost their tags. 200 repositories of 50 images, half of
 * them tagged, are 111,006 files, 61,005 of them live.
 *
 * Written directly, and all of it a month old: nothing is young. Each link and each blob is a file in a
 * folder of its own, so there are about twice as many inodes.
 */
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf, manifestType } from "./answers.ts";

export interface GarbageShape {
  readonly repositories: number;
  /** In each repository, one tag each. */
  readonly tagged: number;
  /** In each repository, without any tag: garbage. */
  readonly untagged: number;
  /** Of the tagged ones; those without a tag always have three. */
  readonly ownLayers?: number;
}

/** The one of the figures. */
export const halfGarbage: GarbageShape = { repositories: 200, tagged: 25, untagged: 25 };

export interface GarbageTree {
  readonly repositories: readonly string[];
  readonly files: number;
  /** What stays when all garbage is gone. */
  readonly live: number;
  readonly dead: {
    readonly manifests: number;
    /** Manifests, configs and layers, and one that nothing names. */
    readonly blobs: number;
    readonly links: number;
  };
  /** The folders that go, each with its one file: as many as `files - live`, from `data` on. */
  readonly deadFolders: readonly string[];
}

const sharedLayers = Array.from({ length: 5 }, (_, i) => Buffer.from(`shared ${i}\n`.repeat(100)));
const ownLayers = 3;
const age = 30 * 24 * 3600;

/** Writes the tree into `data`; other trees of the same folder are not expected. */
export function writeGarbageTree(data: string, shape: GarbageShape): GarbageTree {
  const writer = new Writer(data);
  writer.blob(Buffer.from("an orphan"), "dead");
  for (const layer of sharedLayers) writer.blob(layer, "live");
  const repositories = Array.from({ length: shape.repositories }, (_, r) => {
    const name = `team${r % 20}/app${r}`;
    for (const layer of sharedLayers) writer.link(`${name}/_layers`, digestOf(layer), "live");
    // The tagged ones stand between the others, as pushes that moved a tag would leave them.
    const images = shape.tagged + shape.untagged;
    for (let i = 0, tagged = 0; i < images; i++) {
      const isTagged = tagged * images <= i * shape.tagged && tagged < shape.tagged;
      if (isTagged) tagged++;
      const fate = isTagged ? "live" : "dead";
      writer.image(name, i, fate, isTagged ? (shape.ownLayers ?? ownLayers) : ownLayers);
    }
    return name;
  });
  return { repositories, ...writer.counts() };
}

type Fate = "live" | "dead";

class Writer {
  readonly #root: string;
  readonly #written = Date.now() / 1000 - age;
  readonly #made = new Set<string>();
  readonly #deadFolders: string[] = [];
  #files = 0;
  #manifests = 0;
  #blobs = 0;

  constructor(data: string) {
    this.#root = join(data, "docker/registry/v2");
  }

  image(name: string, i: number, fate: Fate, layerCount: number): void {
    const config = Buffer.from(
      JSON.stringify({
        created: "2024-01-01T00:00:00Z",
        architecture: "amd64",
        os: "linux",
        config: { Labels: { image: `${name}/${i}` } },
        rootfs: { type: "layers", diff_ids: [] },
      }),
    );
    const own = Array.from({ length: layerCount }, (_, l) =>
      Buffer.from(`layer ${l} of ${name}:${i} `.repeat(40)),
    );
    const layers = [...sharedLayers, ...own].map((layer) => ({
      mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
      ...sized(layer),
    }));
    const configType = "application/vnd.oci.image.config.v1+json";
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: manifestType,
        config: { mediaType: configType, ...sized(config) },
        layers,
      }),
    );
    for (const blob of [config, ...own]) {
      this.blob(blob, fate);
      this.link(`${name}/_layers`, digestOf(blob), fate);
    }
    this.blob(manifest, fate);
    const digest = digestOf(manifest);
    this.link(`${name}/_manifests/revisions`, digest, fate);
    if (fate === "dead") this.#manifests++;
    else this.#tag(`${name}/_manifests/tags/v${i}`, digest);
  }

  blob(bytes: Buffer, fate: Fate): void {
    const hex = digestOf(bytes).slice("sha256:".length);
    this.#write(`blobs/sha256/${hex.slice(0, 2)}`, hex, "data", bytes, fate);
    if (fate === "dead") this.#blobs++;
  }

  link(place: string, digest: string, fate: Fate): void {
    const hex = digest.slice("sha256:".length);
    this.#write(`repositories/${place}/sha256`, hex, "link", digest, fate);
  }

  counts(): Omit<GarbageTree, "repositories"> {
    const dead = this.#deadFolders.length;
    return {
      files: this.#files,
      live: this.#files - dead,
      dead: { manifests: this.#manifests, blobs: this.#blobs, links: dead - this.#blobs },
      deadFolders: this.#deadFolders,
    };
  }

  #tag(place: string, digest: string): void {
    this.#write(`repositories/${place}`, "current", "link", digest, "live");
    this.link(`${place}/index`, digest, "live");
  }

  #write(parent: string, folder: string, name: string, bytes: Buffer | string, fate: Fate): void {
    const above = join(this.#root, parent);
    if (!this.#made.has(parent)) {
      mkdirSync(above, { recursive: true });
      // The folders of tags are as many as the tags: to remember them all would be a lot of memory.
      if (!parent.includes("/tags/")) this.#made.add(parent);
    }
    const path = `${above}/${folder}`;
    mkdirSync(path);
    const file = `${path}/${name}`;
    writeFileSync(file, bytes);
    utimesSync(file, this.#written, this.#written);
    this.#files++;
    if (fate === "dead") this.#deadFolders.push(path);
  }
}

function sized(bytes: Buffer): { digest: string; size: number } {
  return { digest: digestOf(bytes), size: bytes.length };
}
