import type { RetentionInventory, RetentionManifest } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { RetentionVerdict } from "../retention/verdict.ts";
import { type BlobId, BlobTable } from "../inventory/blob-table.ts";
import type { Evictable } from "./decider.ts";

/** An image that stays so far, with all its tags, and what it takes. */
interface Unit {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly tags: readonly Tag[];
  /** Null: it stays, because some tag of it does. */
  readonly at: number | null;
  readonly blobs: Int32Array;
}

/** What goes of each repository, by tag: the digest it named when that was decided. */
export type Evicted = ReadonlyMap<RepositoryName, ReadonlyMap<Tag, Digest>>;

/**
 * Keeps all repositories of one policy together below a size. Images go as wholes: with all their tags,
 * children and referrers, the oldest first, until what is left fits; each blob counts once, however many
 * repositories have it. An image of which one tag has to stay stays.
 *
 * Holds some 60 bytes a blob, and 4 each time that an image names it.
 */
export class PolicyBudget {
  readonly #blobs = new BlobTable();
  readonly #units: Unit[] = [];
  /** How many units need a blob; what no unit has is needed once more. By blob. */
  #needed = new Int32Array(1024);

  add(
    inventory: RetentionInventory,
    verdict: RetentionVerdict,
    evictable: readonly Evictable[],
  ): void {
    const going = new Set(verdict.manifests.map(({ digest }) => digest));
    const staying = inventory.manifests.filter(({ digest }) => !going.has(digest));
    const below = closures(staying);
    const times = new Map(evictable.map(({ tag, at }) => [tag, at]));
    const covered = new Set<Digest>();
    const kept = verdict.tags.filter(({ outcome }) => outcome === "keep");
    for (const [digest, tags] of Map.groupBy(kept, (one) => one.digest)) {
      const manifests = below(digest);
      for (const one of manifests) covered.add(one.digest);
      const ats = tags.map(({ tag }) => times.get(tag) ?? null);
      const blobs = this.#need(manifests);
      this.#units.push({
        repository: inventory.name,
        digest,
        tags: tags.map(({ tag }) => tag),
        // As old as its youngest name.
        at: ats.reduce((a, b) => (a === null || b === null ? null : Math.max(a, b))) ?? null,
        blobs,
      });
    }
    this.#need(staying.filter(({ digest }) => !covered.has(digest)));
  }

  /** Bytes of what stays so far. */
  get size(): number {
    let size = 0;
    for (const id of this.#blobs.ids()) if (this.#needed[id]) size += this.#blobs.sizeOf(id);
    return size;
  }

  /** What must go for the rest to be at most so many bytes; once. */
  choose(most: number): Evicted {
    const evicted = new Map<RepositoryName, Map<Tag, Digest>>();
    let size = this.size;
    for (const { repository, digest, tags, blobs } of this.#oldestFirst()) {
      if (size <= most) break;
      for (const id of blobs) size -= this.#release(id);
      const those = evicted.get(repository) ?? new Map<Tag, Digest>();
      for (const tag of tags) those.set(tag, digest);
      evicted.set(repository, those);
    }
    return evicted;
  }

  #oldestFirst(): (Unit & { readonly at: number })[] {
    return this.#units
      .filter((unit): unit is Unit & { readonly at: number } => unit.at !== null)
      .toSorted((a, b) => a.at - b.at || order(key(a), key(b)));
  }

  /** Bytes that nobody needs any more. */
  #release(id: BlobId): number {
    const left = (this.#needed[id] ?? 0) - 1;
    this.#needed[id] = left;
    return left === 0 ? this.#blobs.sizeOf(id) : 0;
  }

  #need(manifests: readonly RetentionManifest[]): Int32Array {
    const ids = new Set<BlobId>();
    for (const { digest, size, blobs } of manifests) {
      ids.add(this.#idOf(digest, size));
      for (const blob of blobs) ids.add(this.#idOf(blob.digest, blob.size));
    }
    for (const id of ids) {
      this.#makeRoom(id);
      this.#needed[id] = (this.#needed[id] ?? 0) + 1;
    }
    return Int32Array.from(ids);
  }

  #idOf(digest: Digest, size: number): BlobId {
    const known = this.#blobs.find(digest);
    if (known >= 0 && size <= this.#blobs.sizeOf(known)) return known;
    return this.#blobs.add(digest, size, 0);
  }

  #makeRoom(id: BlobId): void {
    if (id < this.#needed.length) return;
    const more = new Int32Array(Math.max(id + 1, this.#needed.length * 2));
    more.set(this.#needed);
    this.#needed = more;
  }
}

/** What a manifest brings along: itself, all below it, and the referrers of these. */
function closures(
  manifests: readonly RetentionManifest[],
): (digest: Digest) => RetentionManifest[] {
  const known = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
  const referrers = Map.groupBy(manifests, ({ subject }) => subject);
  return (digest) => {
    const found = new Map<Digest, RetentionManifest>();
    const waiting = [digest];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const manifest = known.get(next);
      if (!manifest || found.has(next)) continue;
      found.set(next, manifest);
      waiting.push(...manifest.children);
      for (const referrer of referrers.get(next) ?? []) waiting.push(referrer.digest);
    }
    return [...found.values()];
  };
}

function key({ repository, digest }: Unit): string {
  return `${repository} ${digest}`;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
