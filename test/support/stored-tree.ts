import { join } from "node:path";
import { parseDigest } from "../../src/oci/digest.ts";
import { type RepositoryName, parseName } from "../../src/oci/name.ts";
import { parseTag } from "../../src/oci/reference.ts";
import {
  type KnownRepository,
  type RepositorySnapshot,
  UNKNOWN_REPOSITORY,
} from "../../src/metadata/metadata.ts";
import {
  type ReadOptions,
  type ReadReport,
  type TreeMetadata,
  readTree,
} from "../../src/metadata/read-tree.ts";
import { filesystemStorage } from "../../src/storage/filesystem.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import type { Storage } from "../../src/storage/storage.ts";
import {
  blobPath,
  layerLink,
  linkBytes,
  revisionLink,
  tagCurrentLink,
  tagIndexLink,
} from "../../src/storage/tree.ts";
import type { Fixture } from "./image.ts";

/** When the trees are written and when they are read, unless a test says otherwise. */
export const WRITTEN = Date.UTC(2024, 0, 1);
export const NOW = Date.UTC(2026, 0, 1);

/** A tree as a registry leaves it, in memory. */
export interface Tree {
  readonly storage: Storage;
  put(name: RepositoryName, fixture: Fixture, ...tags: string[]): Promise<void>;
  write(path: string, content: string | Uint8Array): Promise<void>;
}

export function newTree(now: () => number = () => WRITTEN): Tree {
  const storage = memoryStorage(now);
  return treeIn(storage, async (path, content) => {
    await storage.write([{ path, bytes: Buffer.from(content) }]);
  });
}

/** The same in a data folder. */
export function newTreeIn(data: string): Tree {
  return treeIn(filesystemStorage(data), async (path, content) => {
    await Bun.write(join(data, path), content);
  });
}

function treeIn(storage: Storage, write: Tree["write"]): Tree {
  const put: Tree["put"] = async (name, fixture, ...tags) => {
    for (const child of fixture.children) await put(name, child);
    const digest = parseDigest(fixture.digest);
    for (const { descriptor, bytes } of fixture.blobs) {
      const layer = parseDigest(descriptor.digest);
      await write(blobPath(layer), bytes);
      await write(layerLink(name, layer), linkBytes(layer));
    }
    await write(blobPath(digest), fixture.bytes);
    await write(revisionLink(name, digest), linkBytes(digest));
    for (const tag of tags.map(parseTag)) {
      await write(tagIndexLink(name, tag, digest), linkBytes(digest));
      await write(tagCurrentLink(name, tag), linkBytes(digest));
    }
  };
  return { storage, put, write };
}

/** What reading recorded; a read may change nothing in the tree, so every try is an error. */
export async function read(
  storage: Storage,
  options: Partial<ReadOptions> = {},
  known: Readonly<Record<string, KnownRepository>> = {},
): Promise<{ report: ReadReport; recorded: Map<string, RepositorySnapshot> }> {
  const recorded = new Map<string, RepositorySnapshot>();
  const refuse = async (): Promise<never> => {
    throw new Error("reading must not change the tree");
  };
  const metadata: TreeMetadata = {
    async replaceRepository(snapshot) {
      recorded.set(snapshot.name, snapshot);
      return {
        blobs: { added: snapshot.blobs.length, removed: 0 },
        manifests: { added: snapshot.manifests.length, removed: [] },
        tags: { added: snapshot.tags.length, moved: [], removed: [] },
      };
    },
    hasRepository: async (name) => name in known,
    knownRepository: async (name) => known[name] ?? null,
    referencesOf: async () => [],
    listRepositories: async ({ last }) =>
      last === null ? Object.keys(known).toSorted().map(parseName) : [],
  };
  const reading = { ...storage, write: refuse, append: refuse, move: refuse, delete: refuse };
  const report = await readTree(reading, metadata, { now: () => NOW, ...options });
  return { report, recorded };
}

/** A repository that is known, and empty. */
export const EMPTY: KnownRepository = UNKNOWN_REPOSITORY;

/** All that can be served, a line each. */
export function served(recorded: ReadonlyMap<string, RepositorySnapshot>): string[] {
  return [...recorded.values()].flatMap(({ name, blobs, manifests, tags }) => [
    ...blobs.map(({ digest, size }) => `${name} blob ${digest} ${size}`),
    ...manifests.map(({ digest, mediaType }) => `${name} manifest ${digest} ${mediaType}`),
    ...tags.map(({ tag, digest }) => `${name} tag ${tag} ${digest}`),
  ]);
}

/** What a reading takes away from what is known. */
export function takenFrom(
  known: KnownRepository,
  snapshot: RepositorySnapshot | undefined,
): string[] {
  if (!snapshot) return [];
  const { keep, gone = false } = snapshot;
  const stays = { blobs: snapshot.blobs, manifests: snapshot.manifests };
  const isKept = (kept: ReadonlySet<string> | "all" | undefined, one: string): boolean =>
    kept === "all" || (kept?.has(one) ?? false);
  const lost = (["blobs", "manifests"] as const).flatMap((part) =>
    [...known[part].keys()].filter(
      (one) => !isKept(keep?.[part], one) && !stays[part].some(({ digest }) => digest === one),
    ),
  );
  const tags = [...known.tags.keys()].filter(
    (one) => !isKept(keep?.tags, one) && !snapshot.tags.some(({ tag }) => tag === one),
  );
  return [...lost, ...tags, ...(gone ? ["all of it"] : [])];
}

/** What is known after a reading, as the metadata would say it. */
export function knownOf(
  recorded: ReadonlyMap<string, RepositorySnapshot>,
): Record<string, KnownRepository> {
  const entries = [...recorded].map(([name, { blobs, manifests, tags, ...doubt }]) => {
    const { unreadable = [], hides = false, mentions = [] } = doubt;
    const known: KnownRepository = {
      blobs: new Map(blobs.map(({ digest, size }) => [digest, size])),
      manifests: new Map(manifests.map(({ digest, bytes }) => [digest, bytes.length])),
      tags: new Map(tags.map(({ tag, digest }) => [tag, digest])),
      unreadable,
      hides,
      mentions,
    };
    return [name, known] as const;
  });
  return Object.fromEntries(entries);
}
