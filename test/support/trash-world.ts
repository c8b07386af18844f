import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CollectPolicy } from "../../src/metadata/collection.ts";
import { allRepositories } from "../../src/metadata/paged.ts";
import { registryPlace } from "../../src/gc/trash/registry-place.ts";
import type { TrashPlace } from "../../src/gc/trash/place.ts";
import { parseDigest } from "../../src/oci/digest.ts";
import { parseName } from "../../src/oci/name.ts";
import { parseReference, parseTag } from "../../src/oci/reference.ts";
import { putManifest } from "../../src/registry/manifests.ts";
import { type OpenRegistry, openRegistry } from "../../src/registry/open.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { takeAway } from "../../src/registry/leaving.ts";
import { blobPath } from "../../src/storage/tree.ts";
import { expectClean } from "./clean.ts";
import { temporaryFolder } from "./folder.ts";
import type { Fixture } from "./image.ts";

/** A registry of ours on a folder of its own, whose garbage is collected when a test says so. */
export interface TrashWorld extends AsyncDisposable {
  readonly data: string;
  readonly registry: Registry;
  readonly place: TrashPlace;
  /** With all that it needs; without a tag, by its digest only. */
  put(name: string, fixture: Fixture, ...tags: string[]): Promise<void>;
  untag(name: string, ...tags: string[]): Promise<void>;
  /** Removes all that no tag keeps, however young, as a collection does. Returns the run's number. */
  collect(): Promise<number>;
  /** Tags with what they name, manifests and links, repository by repository; bytes that are missing are said. */
  inventory(): Promise<string[]>;
  /** A stop, and another start. */
  restart(): Promise<void>;
  /** Stops it, and lets it be checked. */
  expectClean(): Promise<void>;
}

const rules = { delete: true, maxManifestSize: 8 * 1024 * 1024 };

export async function trashWorld({ sparse = false, now = Date.now } = {}): Promise<TrashWorld> {
  const folder = await temporaryFolder();
  const data = folder.at("data");
  const quiet = { reading() {}, read() {}, info() {}, warn() {} };
  let open: OpenRegistry | null = await openRegistry(data, { ...rules, sparse }, quiet, now);
  const registry = (): Registry => {
    if (open) return open.registry;
    throw new Error("the registry is closed");
  };

  const drain = async (): Promise<void> => await open?.collecting.drain();

  const world: TrashWorld = {
    data,
    get registry() {
      return registry();
    },
    get place() {
      return registryPlace(registry(), { sparse, by: null });
    },
    async put(name, fixture, ...tags) {
      const repository = parseName(name);
      const { metadata, storage } = registry();
      for (const child of fixture.children) await world.put(name, child);
      for (const { descriptor, bytes } of fixture.blobs) {
        const digest = parseDigest(descriptor.digest);
        await storage.write([{ path: blobPath(digest), bytes }]);
        await metadata.linkBlob(repository, { digest, size: bytes.length }, now(), null);
      }
      const reference = parseReference(tags[0] ?? fixture.digest);
      const push = { name: repository, reference, tags: tags.slice(1).map(parseTag) };
      const content = { bytes: fixture.bytes, contentType: fixture.mediaType };
      await putManifest({ ...push, ...content }, null, registry());
    },
    async untag(name, ...tags) {
      for (const tag of tags) {
        await registry().metadata.removeTag(parseName(name), parseTag(tag), now());
      }
    },
    async collect() {
      return await collect(registry(), now() + 1, drain);
    },
    async inventory() {
      await drain();
      return await inventory(registry(), data);
    },
    async restart() {
      await open?.close();
      open = await openRegistry(data, { ...rules, sparse }, quiet, now);
    },
    async expectClean() {
      await open?.close();
      open = null;
      await expectClean(data, { sparse });
    },
    async [Symbol.asyncDispose]() {
      await open?.close();
      await folder[Symbol.asyncDispose]();
    },
  };
  return world;
}

/** The order of a collection, without its pace and its patience. */
async function collect(
  { metadata, storage, custody }: Registry,
  now: number,
  drain: () => Promise<void>,
): Promise<number> {
  const run = await metadata.startRun(now);
  const policy: CollectPolicy = {
    run,
    now,
    seenBefore: now,
    untaggedBefore: now,
    protectedDigests: [],
    waitingUntil: null,
    removeEmpty: true,
  };
  for (;;) {
    const items = await metadata.readReview({ manifests: now, links: now }, 1000);
    if (items.length === 0) break;
    await metadata.collect(items, policy);
  }
  await drain();
  await custody.leaving(
    (except) => metadata.claim(1_000_000, except, policy),
    (claims) => takeAway(claims, { metadata, storage }),
  );
  await metadata.endRun(run, now, "{}");
  return run;
}

async function inventory({ metadata }: Registry, data: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const name of allRepositories(metadata)) {
    const records = await metadata.recordsOf(name);
    if (!records) continue;
    for (const { tag, digest } of records.tags) lines.push(`${name} tag ${tag} ${digest}`);
    for (const { digest } of records.manifests) lines.push(`${name} manifest ${digest}`);
    for (const { digest } of records.links) lines.push(`${name} link ${digest}`);
    for (const { digest } of [...records.manifests, ...records.links]) {
      if (!existsSync(join(data, blobPath(digest)))) lines.push(`missing ${digest}`);
    }
  }
  return lines.toSorted();
}
