import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import type { SmallObject, Storage } from "../storage/storage.ts";
import {
  REPOSITORIES,
  blobPath,
  layerLink,
  revisionLink,
  tagCurrentLink,
  tagIndexLink,
  tagsPath,
} from "../storage/tree.ts";
import type { Collected } from "./collection.ts";
import { POLICY, item } from "./contract/collection-support.ts";
import { blobOf, bytesOf, digestFor, layer, pushOf } from "./contract/fixtures.ts";
import type { Metadata } from "./metadata.ts";

/** For tests: what a tree should be after any history, and media that fail on the way there. */

/** One change, in words that a failing test can print. */
export interface Change {
  readonly op:
    | "link"
    | "link small"
    | "mount"
    | "unlink"
    | "push"
    | "push tagged"
    | "push needing"
    | "untag"
    | "remove"
    | "collect";
  readonly name: RepositoryName;
  /** The bytes of the blob or manifest. */
  readonly word: string;
  readonly tag: string;
}

/** Makes changes at once, in their order; the bytes of large blobs are in the tree first, as uploads leave them. */
export async function make(
  changes: readonly Change[],
  metadata: Metadata,
  storage: Storage,
): Promise<unknown[]> {
  const large = changes.filter(({ op }) => op === "link").map(({ word }) => word);
  await storage.write(
    large.map((word) => ({ path: blobPath(digestFor(word)), bytes: bytesOf(word) })),
  );
  return await Promise.all(changes.map(async (change) => await makeOne(change, metadata)));
}

async function makeOne({ op, name, word, tag }: Change, metadata: Metadata): Promise<unknown> {
  switch (op) {
    case "link":
      return await metadata.linkBlob(name, blobOf(word), 1000, null);
    case "link small":
      return await metadata.linkBlob(name, blobOf(word), 1000, bytesOf(word));
    case "mount":
      return await metadata.mountBlob(name, digestFor(word), null, 1000);
    case "unlink":
      return await metadata.unlinkBlob(name, digestFor(word), 2000);
    case "push":
      return await metadata.putManifest(pushOf(name, word));
    case "push tagged":
      return await metadata.putManifest(pushOf(name, word, { tags: [tag] }));
    case "push needing":
      return await metadata.putManifest(
        pushOf(name, word, { tags: [tag], needs: [layer("blob 1")] }),
      );
    case "untag":
      return await metadata.removeTag(name, parseTag(tag), 2000);
    case "remove":
      return await metadata.removeManifest(name, digestFor(word), 2000);
    case "collect":
      return await metadata.collect([item("manifest", word, name), item("link", word, name)], {
        ...POLICY,
        removeEmpty: true,
      });
  }
}

/** The tree as it must be: followed by hand, change by change, from the answers that the callers got. */
export class TreeModel {
  readonly #links = new Map<string, Digest>();
  /** Links whose bytes must be there too: all but those of a tag's past, which may name what is gone. */
  readonly #blobs = new Map<string, string>();

  apply({ op, name, word, tag }: Change, answer: unknown): void {
    const digest = digestFor(word);
    const {
      missing = [],
      removed,
      tags = [],
      manifests = [],
      links = [],
    } = (answer ?? {}) as {
      missing?: readonly Digest[];
      removed?: boolean;
      tags?: readonly string[];
      manifests?: Collected["manifests"];
      links?: Collected["links"];
    };
    switch (op) {
      case "link":
      case "link small":
        this.#set(layerLink(name, digest), word);
        break;
      case "mount":
        if (answer !== null) this.#set(layerLink(name, digest), word);
        break;
      case "unlink":
        if (removed) this.#unset(layerLink(name, digest));
        break;
      case "push":
      case "push tagged":
      case "push needing":
        if (missing.length > 0) break;
        this.#set(revisionLink(name, digest), word);
        if (op === "push") break;
        this.#links.set(tagIndexLink(name, parseTag(tag), digest), digest);
        this.#set(tagCurrentLink(name, parseTag(tag)), word);
        break;
      case "untag":
        if (answer !== null) this.#unset(tagFolder(name, tag));
        break;
      case "remove":
        if (!removed) break;
        for (const one of tags) this.#unset(tagFolder(name, one));
        this.#unsetManifest(name, digest);
        break;
      case "collect":
        for (const gone of manifests) this.#unsetManifest(name, gone.digest);
        for (const gone of links) this.#unset(layerLink(name, gone.digest));
        break;
    }
  }

  #unsetManifest(name: RepositoryName, digest: Digest): void {
    this.#unset(revisionLink(name, digest));
    // Nor does the past of any tag name it.
    for (const [path, named] of this.#links) {
      const ofTag = path.startsWith(`${tagsPath(name)}/`) && path.includes("/index/");
      if (ofTag && named === digest) this.#unset(path);
    }
  }

  #set(path: string, word: string): void {
    this.#links.set(path, digestFor(word));
    this.#blobs.set(path, word);
  }

  /** A link, or a folder with all links below it. */
  #unset(path: string): void {
    for (const one of this.#links.keys()) {
      if (one !== path && !one.startsWith(`${path}/`)) continue;
      this.#links.delete(one);
      this.#blobs.delete(one);
    }
  }

  /** Every link file with the digest in it. */
  links(): Record<string, string> {
    return Object.fromEntries([...this.#links].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Where the bytes must be that the links name. */
  blobs(): Map<string, string> {
    return new Map([...this.#blobs.values()].map((word) => [blobPath(digestFor(word)), word]));
  }
}

function tagFolder(name: RepositoryName, tag: string): string {
  return tagCurrentLink(name, parseTag(tag)).replace(/\/current\/link$/, "");
}

/** Every file below the repositories, as text. */
export async function linksOf(storage: Storage): Promise<Record<string, string>> {
  const links: Record<string, string> = {};
  for (const path of (await pathsBelow(storage, REPOSITORIES)).toSorted()) {
    links[path] = new TextDecoder().decode((await storage.readSmall(path)) ?? undefined);
  }
  return links;
}

/** The bytes that the tree must have and has not, or has otherwise. */
export async function missingFrom(storage: Storage, model: TreeModel): Promise<string[]> {
  const missing: string[] = [];
  for (const [path, word] of model.blobs()) {
    const bytes = await storage.readSmall(path);
    if (!bytes || !Buffer.from(bytes).equals(bytesOf(word))) missing.push(`${path} (${word})`);
  }
  return missing;
}

export async function pathsBelow(storage: Storage, folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, kind } of storage.list(folder)) {
    const path = `${folder}/${name}`;
    paths.push(...(kind === "folder" ? await pathsBelow(storage, path) : [path]));
  }
  return paths;
}

/** The work was cut off. */
export class Cut extends Error {}

/** What became of a file that was changed and not synced when the power went. */
export type Damage = "new" | "old" | "absent" | "empty" | "torn";

/**
 * A storage that can be cut off after any number of effects, and that forgets as a disk does: until a
 * `write` resolves, anything may become of what was changed since the last one.
 */
export class FragileStorage implements Storage {
  /** How many more effects come to pass before the power goes; null: it stays. */
  left: number | null = null;
  /** The paths changed since the last sync, with what was there before. */
  readonly #unsynced = new Map<string, Uint8Array | null>();

  constructor(readonly inner: Storage) {}

  readonly stat: Storage["stat"] = async (path) => await this.inner.stat(path);
  readonly read: Storage["read"] = async (path, range) => await this.inner.read(path, range);
  readonly readSmall: Storage["readSmall"] = async (path) => await this.inner.readSmall(path);
  readonly append: Storage["append"] = async (path, offset) =>
    await this.inner.append(path, offset);
  readonly move: Storage["move"] = async (from, to) => await this.inner.move(from, to);
  readonly moveAll: Storage["moveAll"] = async (moves) => await this.inner.moveAll(moves);
  readonly list: Storage["list"] = (folder) => this.inner.list(folder);

  async write(objects: readonly SmallObject[]): Promise<void> {
    for (const object of objects) {
      await this.#effect(object.path, async () => await this.inner.write([object]));
    }
    this.#unsynced.clear();
  }

  async delete(path: string): Promise<void> {
    const all = [path, ...(await pathsBelow(this.inner, path))];
    for (const one of all) {
      if (!(await this.inner.stat(one))) continue;
      await this.#effect(one, async () => await this.inner.delete(one));
    }
  }

  async #effect(path: string, work: () => Promise<void>): Promise<void> {
    if (this.left === 0) throw new Cut();
    if (this.left !== null) this.left--;
    if (!this.#unsynced.has(path)) this.#unsynced.set(path, await this.inner.readSmall(path));
    await work();
  }

  /** The power goes: each file that was not synced suffers the next damage of the list, in turn. */
  async crash(damages: readonly Damage[]): Promise<void> {
    const files = [...this.#unsynced];
    this.#unsynced.clear();
    this.left = null;
    for (const [at, [path, before]] of files.entries()) {
      const after = await this.inner.readSmall(path);
      const bytes = damaged(damages[at % damages.length] ?? "new", before, after);
      if (bytes) await this.inner.write([{ path, bytes }]);
      else await this.inner.delete(path);
    }
  }
}

function damaged(
  damage: Damage,
  before: Uint8Array | null,
  after: Uint8Array | null,
): Uint8Array | null {
  switch (damage) {
    case "new":
      return after;
    case "old":
      return before;
    case "absent":
      // A file that was there before is replaced by a rename, so one of the two is always there.
      return before && after;
    case "empty":
      return after && new Uint8Array();
    case "torn":
      return after && after.subarray(0, after.length >> 1);
  }
}
