import { dirname } from "node:path";
import { type Digest, Hasher, algorithmOf } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Storage } from "../storage/storage.ts";
import { BLOBS, blobPath, layerLink, layersPath } from "../storage/tree.ts";
import type { KnownRepository, ReferenceRecord, SnapshotBlob } from "./metadata.ts";
import type { Notes } from "./doubts.ts";
import { Kept, followLinks, mustBeFolders } from "./read-links.ts";

/** The layer links of one repository, as they are in the tree. */
export class Layers {
  /** Linked, and as they were known. */
  readonly kept = new Kept<Digest>();
  /** Bytes, of all that is linked and there. */
  readonly sizes = new Map<Digest, number>();
  readonly #found = new Map<Digest, SnapshotBlob>();
  /** Linked, but the bytes are gone. */
  readonly #missing = new Set<Digest>();
  readonly #suspects = new Map<Digest, { readonly expected: number; readonly at: number }>();

  constructor(
    readonly storage: Storage,
    readonly name: RepositoryName,
    readonly known: KnownRepository["blobs"],
    readonly notes: Notes,
    /** Throws when the folder of all blobs is missing. */
    readonly blobsMustBeThere: () => Promise<void>,
  ) {}

  async read(past: (at: number) => number): Promise<void> {
    const { storage, name, known, kept, notes } = this;
    await followLinks(storage, layersPath(name), kept, notes, async (digest, at) => {
      const data = await storage.stat(blobPath(digest));
      if (!data) {
        await this.#mustBeLost(blobPath(digest));
        this.#missing.add(digest);
        return;
      }
      this.sizes.set(digest, data.size);
      const before = known.get(digest);
      if (before === data.size) {
        kept.add(digest);
        return;
      }
      const linkedAt = past(at);
      this.#found.set(digest, { digest, size: data.size, linkedAt, unconfirmed: true });
      if (before !== undefined) this.#suspects.set(digest, { expected: before, at: linkedAt });
    });
  }

  /**
   * Throws unless somebody has removed the bytes from a store that is there. Nothing is unlinked because
   * the disk that has all of them is not mounted, or something else is in the place of a folder there.
   */
  async #mustBeLost(path: string): Promise<void> {
    await this.blobsMustBeThere();
    await mustBeFolders(this.storage, dirname(path), BLOBS);
  }

  /** Something that was linked is not any more, or has lost its bytes. */
  get lost(): boolean {
    if (this.#missing.size > 0) return true;
    return [...this.known.keys()].some(
      (digest) => !this.kept.has(digest) && !this.#found.has(digest),
    );
  }

  /** Compares the sizes with what a manifest says that is new to us. */
  compare(references: readonly ReferenceRecord[]): void {
    for (const { digest, role, size: expected } of references) {
      const size = role === "child" ? undefined : this.sizes.get(digest);
      if (size === undefined) continue;
      const found = this.#found.get(digest);
      if (size !== expected) this.#suspects.set(digest, { expected, at: found?.linkedAt ?? 0 });
      else if (found) this.#found.set(digest, { digest, size, linkedAt: found.linkedAt });
    }
  }

  /**
   * Reads those whose size is not what it should be. If the bytes are those of the digest, the one who
   * named the size was wrong. If not, the size that they should have is recorded: then a pull is refused,
   * instead of given wrong bytes, and the next upload of the blob heals it.
   */
  async settleSuspects(): Promise<void> {
    for (const [digest, { expected, at: linkedAt }] of this.#suspects) {
      const size = this.sizes.get(digest) ?? 0;
      const path = blobPath(digest);
      try {
        if (await hasBytesOf(this.storage, digest)) {
          this.#found.set(digest, { digest, size, linkedAt });
          continue;
        }
        this.notes.remark(
          path,
          `it has ${size} bytes instead of ${expected}, and not those of its digest; ` +
            "pulls of it are refused until the image is pushed again",
        );
      } catch (error) {
        this.notes.remark(path, `its ${size} bytes cannot be read (${(error as Error).message})`);
      }
      if (this.kept.has(digest) && this.known.get(digest) === expected) continue;
      this.#found.set(digest, { digest, size: expected, linkedAt });
    }
  }

  /** Says what the manifests need and the repository does not have. `needed`: by which manifests. */
  remarkLost(needed: ReadonlyMap<Digest, readonly Digest[]>): void {
    let leftovers = 0;
    for (const digest of this.#missing) {
      const by = needed.get(digest);
      if (by === undefined) leftovers++;
      else {
        this.#mention(digest, by);
        this.notes.remark(
          layerLink(this.name, digest),
          `the bytes of ${digest} are missing, and ${by.at(-1)} needs them; push that image again`,
        );
      }
    }
    if (leftovers > 0) {
      this.notes.remark(
        layersPath(this.name),
        `of ${leftovers} linked blobs the bytes are missing, and no manifest here needs them; ` +
          "a collection of another registry leaves it so",
      );
    }
    const unlinked = [...needed].filter(
      ([digest]) => !this.sizes.has(digest) && !this.#missing.has(digest) && !this.kept.has(digest),
    );
    // Also where a list that could not be read may have them: what is not known is not in the tables.
    for (const [digest, by] of needed) {
      const isRecorded = this.sizes.has(digest) || this.known.has(digest);
      if (!isRecorded) this.#mention(digest, by);
    }
    const [first] = unlinked;
    if (!first) return;
    this.notes.remark(
      layersPath(this.name),
      `${unlinked.length} blobs are not linked here that manifests need, such as ${first[0]} of ` +
        `${first[1].at(-1)}; push those images again`,
    );
  }

  #mention(digest: Digest, by: readonly Digest[]): void {
    for (const manifest of by) this.notes.mention(digest, manifest);
  }

  /** New, or different from what was known. */
  get found(): SnapshotBlob[] {
    return [...this.#found.values()];
  }
}

async function hasBytesOf(storage: Storage, digest: Digest): Promise<boolean> {
  const stored = await storage.read(blobPath(digest));
  if (!stored) return false;
  const hasher = new Hasher(algorithmOf(digest));
  const stream = stored.body instanceof Blob ? stored.body.stream() : stored.body;
  for await (const chunk of stream) hasher.update(chunk);
  return hasher.digest() === digest;
}
