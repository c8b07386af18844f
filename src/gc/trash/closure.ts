import type { ManifestRecord } from "../../metadata/metadata.ts";
import { type Digest, algorithmOf, digestOf } from "../../oci/digest.ts";
import type { Requirement } from "../../oci/manifest.ts";
import type { RepositoryName } from "../../oci/name.ts";
import type { StoredObject } from "../../storage/storage.ts";
import { trashPath } from "../../storage/tree.ts";
import { MOST_COPIES, isContent } from "./bytes.ts";
import { contentOf } from "./content.ts";
import type { LostBlob, LostManifest, TrashView } from "./place.ts";

/** All that has to come back with one thing, and why it cannot if it cannot. */
export interface Closure {
  /** What a manifest needs stands before it. `level`: 0 needs none of the others, 1 only those of level 0, … */
  readonly manifests: Map<Digest, LostManifest & { readonly level: number }>;
  readonly blobs: Map<Digest, LostBlob>;
  /** Of all that is needed, what is here already. */
  readonly here: Set<Digest>;
  /** A sentence for each part that is nowhere. */
  readonly missing: string[];
  /** What hung on it, and cannot come along. */
  readonly remarks: string[];
}

export interface ClosureOptions {
  /** Read the bytes that are to be linked again and compare them with their digests; otherwise look at sizes. */
  readonly verify: boolean;
}

/** Manifests are held in memory; nothing larger is taken for one. */
const LARGEST_MANIFEST = 16 * 1024 * 1024;

/** Rows that are looked at together. */
const AT_ONCE = 200;

/**
 * Finds what has to come back to one repository for something to be whole there: what it needs, in the
 * trash or here, and what hung on it and went because it did (referrers). Changes nothing.
 *
 * Bytes that are linked in the repository count as they are. All others are compared with their digests
 * before anybody links them anew: those in the trash, and those in the tree that nobody may serve here.
 */
export class ClosureReader {
  readonly #manifests = new Map<Digest, Promise<Found | null>>();
  readonly #blobs = new Map<Digest, Promise<FoundBlob>>();
  #hanging: Promise<Hanging> | null = null;
  /** What was, or would be, brought back by now. */
  readonly #brought = new Set<Digest>();

  constructor(
    readonly place: TrashView,
    readonly name: RepositoryName,
    readonly options: ClosureOptions,
  ) {}

  async ofManifest(digest: Digest): Promise<Closure> {
    const closure = emptyClosure();
    const missing = await this.#addManifest(digest, closure, new Set());
    if (missing) closure.missing.push(missing);
    return closure;
  }

  async ofBlob(digest: Digest): Promise<Closure> {
    const closure = emptyClosure();
    await this.#addBlob(digest, true, closure);
    return closure;
  }

  hasBrought(digest: Digest): boolean {
    return this.#brought.has(digest);
  }

  /** These are brought back: they are here from now on. */
  brought({ manifests, blobs }: Pick<Closure, "manifests" | "blobs">): void {
    for (const { digest, mediaType, bytes } of manifests.values()) {
      this.#manifests.set(digest, Promise.resolve({ digest, mediaType, bytes, here: true }));
      this.#brought.add(digest);
    }
    for (const digest of blobs.keys()) {
      this.#blobs.set(digest, Promise.resolve(HERE));
      this.#brought.add(digest);
    }
  }

  /** Null, or what is wrong when there is no such manifest anywhere. */
  async #addManifest(digest: Digest, closure: Closure, seen: Set<Digest>): Promise<string | null> {
    if (seen.has(digest)) return null;
    seen.add(digest);
    const found = await this.#manifest(digest);
    if (!found) return `the manifest ${digest} is neither here nor in the trash`;
    const { bytes, here } = found;
    const content = contentOf(bytes, found.mediaType);
    let level = 0;
    for (const reference of content.references) {
      await this.#addReference(reference, closure, seen);
      level = Math.max(level, (closure.manifests.get(reference.digest)?.level ?? -1) + 1);
    }
    if (here) {
      closure.here.add(digest);
      return null;
    }
    closure.manifests.set(digest, { ...content, digest, bytes, level });
    await this.#addReferrers(digest, closure, seen);
    return null;
  }

  async #addReference(
    { digest, role, manifest, required }: Requirement,
    closure: Closure,
    seen: Set<Digest>,
  ): Promise<void> {
    if (role === "child") {
      const missing = await this.#addManifest(digest, closure, seen);
      if (missing === null) return;
      if (manifest) {
        if (!this.place.sparse) closure.missing.push(missing);
        return;
      }
    }
    await this.#addBlob(digest, required && !this.place.sparse, closure);
  }

  async #addBlob(digest: Digest, required: boolean, closure: Closure): Promise<void> {
    const found = await this.#blob(digest);
    if (found.lost) closure.blobs.set(digest, found.lost);
    else if (found.problem === null) closure.here.add(digest);
    else if (required) closure.missing.push(found.problem);
  }

  /**
   * Those that a collection took because their subject went, and those that were deleted after it, as retention
   * does. What a client has deleted before went for itself, and comes back for itself. One that is not whole stays
   * behind.
   */
  async #addReferrers(subject: Digest, closure: Closure, seen: Set<Digest>): Promise<void> {
    this.#hanging ??= this.#readHanging();
    const { referrers, removed } = await this.#hanging;
    const since = removed.get(subject) ?? Number.POSITIVE_INFINITY;
    for (const { digest, run, id } of referrers.get(subject) ?? []) {
      if (run === null && id < since) continue;
      // A copy: what only a referrer needs that is not whole must not count as looked at.
      const visited = new Set(seen);
      const { manifests, blobs } = closure;
      const own: Closure = {
        ...emptyClosure(),
        manifests: new Map(manifests),
        blobs: new Map(blobs),
        here: closure.here,
      };
      const missing = await this.#addManifest(digest, own, visited);
      const lost = missing ?? own.missing[0];
      closure.remarks.push(...own.remarks);
      if (lost !== undefined) {
        closure.remarks.push(`its referrer ${digest} cannot come along: ${lost}`);
        continue;
      }
      for (const one of visited) seen.add(one);
      for (const [key, value] of own.manifests) manifests.set(key, value);
      for (const [key, value] of own.blobs) blobs.set(key, value);
    }
  }

  async #readHanging(): Promise<Hanging> {
    const referrers = new Map<Digest, Referrer[]>();
    const removed = new Map<Digest, number>();
    const { rows } = this.place;
    const query = { repository: this.name, kind: "manifest", limit: AT_ONCE } as const;
    for (let before: number | undefined; ;) {
      const page = await rows.listTrash({ ...query, ...(before !== undefined && { before }) });
      // The newest removals first.
      for (const { id, run, digest, bytes, mediaType } of page) {
        if (removed.has(digest)) continue;
        removed.set(digest, id);
        const subject = bytes && contentOf(bytes, mediaType).subject;
        if (subject === null) continue;
        const known = referrers.get(subject) ?? [];
        known.push({ digest, run, id });
        referrers.set(subject, known);
      }
      before = page.at(-1)?.id;
      if (page.length < AT_ONCE || before === undefined) return { referrers, removed };
    }
  }

  #manifest(digest: Digest): Promise<Found | null> {
    const known = this.#manifests.get(digest) ?? this.#findManifest(digest);
    this.#manifests.set(digest, known);
    return known;
  }

  async #findManifest(digest: Digest): Promise<Found | null> {
    const { place, name } = this;
    const here = await place.manifest(name, digest);
    if (here) return { ...here, here: true };
    const query = { repository: name, digest, limit: MOST_COPIES } as const;
    const removed = await place.rows.listTrash({ ...query, kind: "manifest" });
    const mediaType = removed.find((row) => row.mediaType !== null)?.mediaType ?? null;
    const isWhole = (bytes: Uint8Array): boolean => digestOf(bytes, algorithmOf(digest)) === digest;
    for (const { bytes } of removed) {
      if (bytes && isWhole(bytes)) return { digest, mediaType, bytes, here: false };
    }
    // Its row is gone or damaged, but a tag of it is left: another repository may have the same bytes.
    const tags = await place.rows.listTrash({ ...query, kind: "tag" });
    const named = removed.length > 0 || tags.length > 0;
    const bytes = named ? await this.#readManifest(digest) : null;
    return bytes && isWhole(bytes) ? { digest, mediaType, bytes, here: false } : null;
  }

  /** From the tree, or from a file of the trash. */
  async #readManifest(digest: Digest): Promise<Uint8Array<ArrayBuffer> | null> {
    const { place } = this;
    const copies = await place.rows.listTrash({ digest, kind: "blob", limit: MOST_COPIES });
    const files = copies.map(
      ({ id }) =>
        () =>
          place.storage.read(trashPath(id)),
    );
    for (const open of [() => place.open(digest), ...files]) {
      const stored = await open();
      if (!stored || stored.size > LARGEST_MANIFEST) continue;
      return new Uint8Array(await new Response(stored.body).arrayBuffer());
    }
    return null;
  }

  #blob(digest: Digest): Promise<FoundBlob> {
    const known = this.#blobs.get(digest) ?? this.#findBlob(digest);
    this.#blobs.set(digest, known);
    return known;
  }

  async #findBlob(digest: Digest): Promise<FoundBlob> {
    const { place, name } = this;
    const linked = await place.linked(name, digest);
    const there = await place.open(digest);
    if (linked !== null && there?.size === linked) return HERE;
    let problem = `the bytes of ${digest} are neither here nor in the trash`;
    if (there && (await this.#isWhole(there, digest))) {
      return { lost: { digest, size: there.size, row: null }, problem: null };
    }
    const copies = await place.rows.listTrash({ digest, kind: "blob", limit: MOST_COPIES });
    for (const { id, size } of copies) {
      const stored = await place.storage.read(trashPath(id));
      if (!stored) continue;
      if (stored.size === size && (await this.#isWhole(stored, digest))) {
        return { lost: { digest, size, row: id }, problem: null };
      }
      problem = `the bytes of ${digest} in the trash are damaged`;
    }
    return { lost: null, problem };
  }

  async #isWhole(stored: StoredObject, digest: Digest): Promise<boolean> {
    return !this.options.verify || (await isContent(stored, digest));
  }
}

/** What lies in the trash of a repository. */
interface Hanging {
  /** By subject. */
  readonly referrers: ReadonlyMap<Digest, readonly Referrer[]>;
  /** The number of each manifest's newest removal: numbers are in their order. */
  readonly removed: ReadonlyMap<Digest, number>;
}

interface Referrer {
  readonly digest: Digest;
  /** Of the collection that took it; null: a client did. */
  readonly run: number | null;
  readonly id: number;
}

interface Found extends Pick<ManifestRecord, "digest" | "bytes"> {
  /** What it was served as, if that is known. */
  readonly mediaType: string | null;
  readonly here: boolean;
}

/** A blob is here, or it can be brought, or there is a problem. */
interface FoundBlob {
  readonly lost: LostBlob | null;
  readonly problem: string | null;
}

const HERE: FoundBlob = { lost: null, problem: null };

function emptyClosure(): Closure {
  return { manifests: new Map(), blobs: new Map(), here: new Set(), missing: [], remarks: [] };
}
