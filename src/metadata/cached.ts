import type { RepositoryName } from "../oci/name.ts";
import type { Digest } from "../oci/digest.ts";
import { type Reference, type Tag, isDigestReference } from "../oci/reference.ts";
import type { LinkRecord, ManifestRecord, Metadata } from "./metadata.ts";

const MANIFEST_BYTES = 24 * 1024 * 1024;
/** What tags name, in all repositories together. */
const TAG_ENTRIES = 50_000;
const BLOB_ENTRIES = 50_000;
/** Names of tags, in all lists together. */
const TAG_NAMES = 200_000;

/** How often a look-up was answered from memory, and how often not. */
export interface CacheCounts {
  hits: number;
  misses: number;
}

/**
 * Remembers what pulls ask for again and again: manifests by tag or digest, and which blobs are linked.
 *
 * Only what is there is remembered, never an absence. It stays linearizable because this process makes
 * all changes: a change forgets its entries before its caller hears of it, and a read that began before
 * a change ended is not remembered (`epoch`). With several replicas it must not be used for tags.
 */
export function cached(inner: Metadata, counts: CacheCounts = { hits: 0, misses: 0 }): Metadata {
  const manifests = new Cache<ManifestRecord>(
    MANIFEST_BYTES,
    (record) => record.bytes.length + 500,
  );
  /** What a tag names is remembered apart, so that a manifest is there once, and knows when it was seen. */
  const tagged = new Cache<Digest>(TAG_ENTRIES, () => 1);
  const blobs = new Cache<LinkRecord>(BLOB_ENTRIES, () => 1);
  /** The tags of a repository, all of them: small pages are cheap to read, whole lists are not. */
  const tagLists = new Cache<Tag[]>(TAG_NAMES, (tags) => tags.length + 1);
  let epoch = 0;

  const key = (name: RepositoryName, reference: Reference): string => `${name} ${reference}`;
  const remember = async <T>(
    cache: Cache<T>,
    at: string,
    load: () => Promise<T | null>,
  ): Promise<T | null> => {
    const held = cache.get(at);
    if (held) {
      counts.hits++;
      return held;
    }
    counts.misses++;
    const began = epoch;
    const found = await load();
    if (found && began === epoch) cache.set(at, found);
    return found;
  };
  const change = async <T>(work: Promise<T>, forget: (result: T) => unknown): Promise<T> => {
    try {
      const result = await work;
      forget(result);
      return result;
    } finally {
      epoch++;
    }
  };

  return {
    ...inner,

    async findManifest(name, reference) {
      if (isDigestReference(reference)) {
        return await remember(manifests, key(name, reference), () =>
          inner.findManifest(name, reference),
        );
      }
      const digest = tagged.get(key(name, reference));
      const held = digest && manifests.get(key(name, digest));
      if (held) {
        counts.hits++;
        return held;
      }
      counts.misses++;
      const began = epoch;
      const found = await inner.findManifest(name, reference);
      if (found && began === epoch) {
        tagged.set(key(name, reference), found.digest);
        manifests.set(key(name, found.digest), found);
      }
      return found;
    },

    async findBlob(name, digest) {
      return await remember(blobs, key(name, digest), () => inner.findBlob(name, digest));
    },

    async listTagNames(name, page) {
      if (page.last !== null || page.limit < TAG_NAMES) return await inner.listTagNames(name, page);
      return await remember(tagLists, name, () => inner.listTagNames(name, page));
    },

    async putManifest(push, by) {
      return await change(inner.putManifest(push, by), () => {
        manifests.delete(key(push.name, push.digest));
        for (const tag of push.tags) tagged.delete(key(push.name, tag));
        tagLists.delete(push.name);
      });
    },

    async removeTag(name, tag, ...rest) {
      return await change(inner.removeTag(name, tag, ...rest), () => {
        tagged.delete(key(name, tag));
        tagLists.delete(name);
      });
    },

    async removeManifest(name, digest, ...rest) {
      return await change(inner.removeManifest(name, digest, ...rest), ({ tags }) => {
        manifests.delete(key(name, digest));
        for (const tag of tags) tagged.delete(key(name, tag));
        tagLists.delete(name);
      });
    },

    async unlinkBlob(name, digest, ...rest) {
      const work = inner.unlinkBlob(name, digest, ...rest);
      return await change(work, () => blobs.delete(key(name, digest)));
    },

    async linkBlob(name, blob, ...rest) {
      return await change(inner.linkBlob(name, blob, ...rest), ({ resized }) => {
        // Other repositories link it, too, and what they remember of it is as wrong.
        if (resized) blobs.clear();
        else blobs.delete(key(name, blob.digest));
      });
    },

    async mountBlob(name, digest, ...rest) {
      const work = inner.mountBlob(name, digest, ...rest);
      return await change(work, () => blobs.delete(key(name, digest)));
    },

    async replaceRepository(snapshot) {
      return await change(inner.replaceRepository(snapshot), () => {
        manifests.clear();
        tagged.clear();
        blobs.clear();
        tagLists.clear();
      });
    },

    async see(seen) {
      return await change(inner.see(seen), () => {
        for (const { kind, name, digest } of seen) {
          (kind === "manifest" ? manifests : blobs).delete(key(name, digest));
        }
      });
    },

    async collect(items, policy) {
      return await change(inner.collect(items, policy), (collected) => {
        for (const { name, digest } of collected.manifests) manifests.delete(key(name, digest));
        for (const { name, digest } of collected.links) blobs.delete(key(name, digest));
        for (const name of collected.repositories) tagLists.delete(name);
      });
    },
  };
}

/** First in, first out: a hit costs one probe, and what is evicted wrongly costs one read of some microseconds. */
class Cache<T> {
  readonly #entries = new Map<string, T>();
  #size = 0;

  constructor(
    readonly limit: number,
    readonly sizeOf: (value: T) => number,
  ) {}

  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: T): void {
    this.delete(key);
    this.#entries.set(key, value);
    this.#size += this.sizeOf(value);
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.limit) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#size -= this.sizeOf(value);
  }

  clear(): void {
    this.#entries.clear();
    this.#size = 0;
  }
}
