import { type Digest, algorithmOf, digestOf } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { isFirstFormat } from "../oci/media-types.ts";
import type { Storage } from "../storage/storage.ts";
import { blobPath, revisionLink, revisionsPath, signaturesPath } from "../storage/tree.ts";
import type { KnownRepository, ReferenceRecord, SnapshotManifest } from "./metadata.ts";
import type { Notes } from "./doubts.ts";
import { Kept, followLinks, orKeepAll } from "./read-links.ts";
import { readStoredManifest } from "./stored-manifest.ts";

/** Nothing larger is read into memory as a manifest. Registry 2 takes 4 MiB, we take 8. */
const LARGEST_MANIFEST = 16 * 1024 * 1024;

/** The manifests of one repository, as they are in the tree. */
export class Revisions {
  /** Linked, and known already: their bytes are in the metadata, and need not be read again. */
  readonly kept = new Kept<Digest>();
  /** Of those the tree has the link, but not the bytes. */
  readonly lost: Digest[] = [];
  readonly #found = new Map<Digest, SnapshotManifest>();

  constructor(
    readonly storage: Storage,
    readonly name: RepositoryName,
    readonly known: KnownRepository["manifests"],
    readonly notes: Notes,
    /** Throws when the folder of all blobs is missing: then nothing is written there either. */
    readonly blobsMustBeThere: () => Promise<void>,
  ) {}

  async read(past: (at: number) => number, sizes: ReadonlyMap<Digest, number>): Promise<void> {
    const { storage, name, known, kept, notes } = this;
    const { remark } = notes;
    await followLinks(storage, revisionsPath(name), kept, notes, async (digest, at) => {
      const path = revisionLink(name, digest);
      const before = known.get(digest);
      if (before !== undefined) {
        // What was once accepted is served from the metadata, whatever becomes of the file.
        kept.add(digest);
        const data = await storage.stat(blobPath(digest));
        if (data?.size === before) return;
        if (!data) await this.blobsMustBeThere();
        const state = data ? `has ${data.size} bytes instead of ${before}` : "is missing";
        remark(
          path,
          `the file of the manifest ${digest} ${state}; it is written again, from our tables`,
        );
        this.lost.push(digest);
        return;
      }
      const problems: string[] = [];
      const say = (problem: string): void => void problems.push(problem);
      const bytes = await readManifest(storage, digest, say);
      const read = bytes && readStoredManifest(bytes, sizes, say);
      // What was recorded says itself that not all of what it needs may be known.
      for (const problem of problems) remark(path, problem, read ? "nothing" : "something");
      if (!read) {
        notes.mention(digest);
        return;
      }
      const doubt = problems[0] ?? null;
      this.#found.set(digest, { digest, bytes, pushedAt: past(at), doubt, ...read });
      if (isFirstFormat(read.mediaType)) await this.#readSignatures(digest);
    });
  }

  /** Docker's first format: registries before 2.6 kept what signs a manifest as blobs, linked beside it. */
  async #readSignatures(manifest: Digest): Promise<void> {
    const { storage, name, notes } = this;
    const folder = signaturesPath(name, manifest);
    await orKeepAll(folder, new Kept(), notes.remark, async () => {
      await followLinks(storage, folder, new Kept(), notes, async (signature) =>
        notes.mention(signature, manifest),
      );
    });
  }

  /** Whether this repository will serve it. */
  has(digest: Digest): boolean {
    return this.#found.has(digest) || (this.known.has(digest) && this.kept.has(digest));
  }

  get found(): SnapshotManifest[] {
    return [...this.#found.values()];
  }

  /**
   * What manifests need, each with those that do; a child that is here is not among it. `referencesOf`: of
   * a known manifest.
   */
  async needed(
    referencesOf: ((digest: Digest) => Promise<readonly ReferenceRecord[]>) | null,
  ): Promise<Map<Digest, Digest[]>> {
    const needed = new Map<Digest, Digest[]>();
    const add = (by: Digest, references: readonly ReferenceRecord[]): void => {
      for (const { digest, role } of references) {
        if (role === "child") continue;
        const others = needed.get(digest);
        if (others) others.push(by);
        else needed.set(digest, [by]);
      }
    };
    for (const { digest, references } of this.#found.values()) add(digest, references);
    if (!referencesOf) return needed;
    for (const digest of this.known.keys()) {
      if (this.kept.has(digest)) add(digest, await referencesOf(digest));
    }
    return needed;
  }
}

/** Null, with a remark, unless the bytes are there and are those of the digest. */
async function readManifest(
  storage: Storage,
  digest: Digest,
  remark: (problem: string) => void,
): Promise<SnapshotManifest["bytes"] | null> {
  const path = blobPath(digest);
  const data = await storage.stat(path);
  if (data && data.size > LARGEST_MANIFEST) {
    remark(`${digest} has ${data.size} bytes, too many for a manifest; it is not served`);
    return null;
  }
  const bytes = data && (await storage.readSmall(path));
  if (!bytes) {
    remark(`the bytes of the manifest ${digest} are missing; push that image again`);
    return null;
  }
  if (digestOf(bytes, algorithmOf(digest)) !== digest) {
    remark(
      `the ${bytes.length} bytes stored for ${digest} are not those of its digest; push that image again`,
    );
    return null;
  }
  return bytes;
}
