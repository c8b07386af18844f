import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type BlobId, BlobTable } from "./blob-table.ts";
import type { RepositoryInventory } from "./inventory.ts";
import { Links } from "./usage-links.ts";
import { type EntryKind, type Entry, MANY, entriesOf } from "./usage-entries.ts";
import { type FolderUsage, Folders } from "./usage-folders.ts";

/** Bytes, each blob and manifest counted once. `total` = `unique` + `shared`. */
export interface Amount {
  readonly total: number;
  /** What would be freed if this went alone, and were collected. */
  readonly unique: number;
  /** What something else needs too. */
  readonly shared: number;
}

export interface RepositoryUsage extends Amount {
  readonly name: RepositoryName;
  readonly tags: number;
  readonly manifests: number;
  /** Of what could not be read nothing is counted. */
  readonly unreadable: number;
}

/** One tag, all that no tag keeps, or the links that no manifest needs. */
export interface EntryUsage extends Amount {
  readonly repository: RepositoryName;
  readonly kind: EntryKind;
  readonly tag: Entry["tag"];
  readonly digest: Digest | null;
}

export interface UsageTotals {
  readonly repositories: number;
  readonly tags: number;
  readonly manifests: number;
  /** All that repositories link or have as a manifest, each once. */
  readonly blobs: number;
  readonly bytes: number;
  /** Of those, what more than one repository holds, counted once. */
  readonly sharedBytes: number;
  /** What no repository has. */
  readonly unlinked: { readonly blobs: number; readonly bytes: number };
}

interface Counted {
  readonly name: RepositoryName;
  readonly tags: number;
  readonly manifests: number;
  readonly unreadable: number;
  readonly firstEntry: number;
  readonly endEntry: number;
}

interface CountedEntry extends Entry {
  unique: number;
}

/**
 * Counts bytes over inventories that come one after the other, in any order. What it keeps of each is
 * one small record for each tag and twelve bytes for each link: memory grows with their number, and not
 * with what manifests say. Exact: nothing is sampled, and no digest is shortened.
 *
 * A tag's bytes are those of its manifest, of all below it, and of the referrers of these: what a
 * collection would find when the tag had gone.
 */
export class UsageCount {
  readonly #blobs = new BlobTable();
  readonly #links = new Links();
  readonly #counted: Counted[] = [];
  readonly #entries: CountedEntry[] = [];
  #unlinked = { blobs: 0, bytes: 0 };

  add(inventory: RepositoryInventory): void {
    const { entries, owners, sizes } = entriesOf(inventory);
    const firstEntry = this.#entries.length;
    const repository = this.#counted.length;
    for (const entry of entries) this.#entries.push({ ...entry, unique: 0 });
    for (const [digest, owner] of owners) {
      const blob = this.#blobOf(digest, sizes.get(digest) ?? 0);
      this.#links.add(blob, repository, owner === MANY ? MANY : firstEntry + owner);
    }
    this.#counted.push({
      name: inventory.name,
      tags: inventory.tags.length,
      manifests: inventory.manifests.length,
      unreadable: inventory.unreadable.length,
      firstEntry,
      endEntry: this.#entries.length,
    });
  }

  has(digest: Digest): boolean {
    return this.#blobs.find(digest) >= 0;
  }

  /** A blob that is stored, and that no repository has: see `has`. */
  addUnlinked(size: number): void {
    this.#unlinked = { blobs: this.#unlinked.blobs + 1, bytes: this.#unlinked.bytes + size };
  }

  /** Once, when all were added. */
  finish(): FinishedUsage {
    const folders = new Folders(this.#counted.map(({ name }) => name));
    let bytes = 0;
    let sharedBytes = 0;
    for (const blob of this.#blobs.ids()) {
      const size = this.#blobs.sizeOf(blob);
      const holders = this.#links.holdersOf(blob);
      const [only, ...others] = holders;
      if (!only) continue;
      bytes += size;
      folders.count(
        holders.map(({ repository }) => repository),
        size,
      );
      if (others.length > 0) sharedBytes += size;
      else this.#addUnique(only.entry, size);
    }
    folders.finish();
    const sum = (of: "tags" | "manifests"): number =>
      this.#counted.reduce((all, one) => all + one[of], 0);
    return new FinishedUsage(this.#counted, this.#entries, folders, {
      repositories: this.#counted.length,
      tags: sum("tags"),
      manifests: sum("manifests"),
      blobs: this.#blobs.count,
      bytes,
      sharedBytes,
      unlinked: this.#unlinked,
    });
  }

  /** What several entries of one repository need is none's alone. */
  #addUnique(entry: number, size: number): void {
    const alone = entry === MANY ? undefined : this.#entries[entry];
    if (alone) alone.unique += size;
  }

  #blobOf(digest: Digest, size: number): BlobId {
    const known = this.#blobs.find(digest);
    // One repository may have had no look at the bytes.
    if (known >= 0 && size <= this.#blobs.sizeOf(known)) return known;
    return this.#blobs.add(digest, size, 0);
  }
}

/** What the counting came to. */
export class FinishedUsage {
  readonly #counted: readonly Counted[];
  readonly #entries: readonly CountedEntry[];
  readonly #folders: Folders;

  constructor(
    counted: readonly Counted[],
    entries: readonly CountedEntry[],
    folders: Folders,
    readonly totals: UsageTotals,
  ) {
    this.#counted = counted;
    this.#entries = entries;
    this.#folders = folders;
  }

  /** The repositories in the order in which they came, each with its entries. */
  *repositories(): Generator<{ repository: RepositoryUsage; entries: EntryUsage[] }> {
    for (const [at, counted] of this.#counted.entries()) {
      const { name, tags, manifests, unreadable, firstEntry, endEntry } = counted;
      const entries = this.#entries.slice(firstEntry, endEntry).map((entry) => {
        const { kind, tag, digest, total, unique } = entry;
        return { repository: name, kind, tag, digest, ...amount(total, unique) };
      });
      const { total, unique } = this.#folders.ofRepository(at);
      const repository = { name, tags, manifests, unreadable, ...amount(total, unique) };
      yield { repository, entries };
    }
  }

  /** Every folder in which there is more than one repository, or another folder. */
  folders(): readonly FolderUsage[] {
    return this.#folders.all();
  }
}

function amount(total: number, unique: number): Amount {
  return { total, unique, shared: total - unique };
}
