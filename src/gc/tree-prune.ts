import { linkSync, renameSync, unlinkSync } from "node:fs";
import type { TrashRecord } from "../metadata/collection.ts";
import { contentOf } from "./trash/content.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Tag, isTag } from "../oci/reference.ts";
import { realDisk } from "../storage/disk.ts";
import { isCode } from "../storage/folders.ts";
import { type Job, doJobs } from "../storage/removals.ts";
import { syncAll } from "../storage/sync-filesystem.ts";
import type { TreeFiles } from "../storage/tree-files.ts";
import {
  OURS,
  blobPath,
  readLink,
  revisionLink,
  revisionPath,
  revisionsPath,
  tagCurrentLink,
  tagHistoryPath,
  tagIndexLink,
  tagIndexPath,
  tagPath,
  tagsPath,
} from "../storage/tree.ts";
import { putBack } from "./tree-put-back.ts";
import type { Missing } from "./tree-look.ts";

export interface TreePruningOptions {
  readonly files: TreeFiles;
  /** Where the trash is written down. */
  readonly metadata: Metadata;
  readonly now: () => number;
}

const LONGEST_LINK = 200;
const LARGEST_MANIFEST = 16 * 1024 * 1024;
/** How long a manifest or a tag may be on its way from its check to the tree. */
const ON_ITS_WAY_MS = 500;

/**
 * Removes tags and manifests from the tree of another registry, which may be running.
 *
 * Each removal is first a row of the trash, durable, and then the links go: so after a crash it can be put back, or
 * the next run finds that nothing was removed. A link is moved aside before it is believed: a tag that was pushed in
 * that moment comes back. At the end all repositories of which something went are read again, and manifests that
 * somebody has begun to need come back.
 */
export class TreePruning {
  readonly #options: TreePruningOptions;
  readonly #gone = new Map<RepositoryName, Set<Digest>>();
  #run: Promise<number> | null = null;
  #aside = 0;

  constructor(options: TreePruningOptions) {
    this.#options = options;
  }

  /** Idempotent. Throws REFUSED when the tag was pushed at this moment. */
  async removeTag(name: RepositoryName, tag: Tag): Promise<void> {
    const path = tagCurrentLink(name, tag);
    const link = this.#options.files.text(path, LONGEST_LINK);
    const digest = link && readLink(Buffer.from(link.text, "latin1"));
    if (link && !digest) throw refused(`${name}:${tag}: its link is empty or torn`);
    if (link && digest) await this.#dropTag(name, tag, digest, link.at);
  }

  /** With all tags on it. Idempotent. Throws REFUSED when it has one that is none of `only` (unset: it may have any). */
  async deleteManifest(name: RepositoryName, digest: Digest, only?: readonly Tag[]): Promise<void> {
    const { files, metadata, now } = this.#options;
    const link = files.text(revisionLink(name, digest), LONGEST_LINK);
    if (!link) return;
    const strange = files.names(revisionPath(name, digest))?.find((one) => one !== "link");
    if (strange !== undefined) {
      throw refused(`${name}@${digest}: ${strange} lies beside its link`);
    }
    const bytes = files.bytes(blobPath(digest), LARGEST_MANIFEST);
    if (!bytes) throw refused(`${name}@${digest}: its bytes are missing`);
    const tags = [...this.#tagsOn(name, digest)];
    const other = only && tags.find(([tag]) => !only.includes(tag));
    if (other) throw refused(`${name}@${digest} has got the tag ${other[0]}`);
    for (const [tag, at] of tags) await this.#dropTag(name, tag, digest, at);
    const run = await this.#inRun();
    await metadata.addTrash([
      {
        ...basis(run, name, digest, now()),
        kind: "manifest",
        tag: null,
        size: bytes.length,
        mediaType: contentOf(bytes, null).mediaType,
        bytes,
        madeAt: link.at,
      },
    ]);
    this.#do([[{ file: revisionLink(name, digest) }, { folder: revisionPath(name, digest) }]]);
    const gone = this.#gone.get(name) ?? new Set();
    this.#gone.set(name, gone.add(digest));
  }

  /** Makes it durable, and puts back what somebody has begun to need. `back`: a line for each. */
  async end(): Promise<{ readonly back: readonly string[] }> {
    const { files, metadata, now } = this.#options;
    if (this.#run === null) return { back: [] };
    syncAll(files.root, [], [files.root], realDisk);
    // Whoever was writing what names one of these has written it by then.
    await Bun.sleep(ON_ITS_WAY_MS);
    const missing = [...this.#gone].flatMap(([name, digests]) => this.#missing(name, digests));
    const { links } = await putBack(missing, files, metadata, { has: () => null });
    const run = await this.#run;
    await metadata.endRun(run, now(), JSON.stringify({ pruned: true, putBack: { links } }));
    return {
      back: missing.map(
        ({ repository, digest }) =>
          `${repository}@${digest} was put back: somebody has begun to need it`,
      ),
    };
  }

  async #dropTag(name: RepositoryName, tag: Tag, digest: Digest, at: number): Promise<void> {
    const { files, metadata, now } = this.#options;
    const run = await this.#inRun();
    const row: Omit<TrashRecord, "id"> = {
      ...basis(run, name, digest, now()),
      kind: "tag",
      tag,
      size: files.look(blobPath(digest))?.size ?? 0,
      mediaType: null,
      bytes: null,
      madeAt: at,
    };
    const [id = 0] = await metadata.addTrash([row]);
    const history = this.#history(name, tag);
    if (!this.#takeLink(tagCurrentLink(name, tag), digest)) {
      await metadata.removeTrash([id]);
      throw refused(`${name}:${tag} was pushed meanwhile`);
    }
    const path = tagPath(name, tag);
    const past = history.map((one): Job => [
      { file: tagIndexLink(name, tag, one) },
      { folder: tagIndexPath(name, tag, one) },
    ]);
    const folders = ["index/sha256", "index/sha512", "index", "current"].map((one) => ({
      folder: `${path}/${one}`,
    }));
    this.#do([...past, [...folders, { folder: path }]]);
  }

  /** Takes a link away if it still says this. What another program writes in that moment stays, or comes back. */
  #takeLink(path: string, digest: Digest): boolean {
    const { root } = this.#options.files;
    const aside = `${OURS}/.wharfinger-pruned-${process.pid}-${this.#aside++}`;
    try {
      renameSync(`${root}/${path}`, `${root}/${aside}`);
    } catch (error) {
      // It went by itself: that is what was wanted.
      if (isCode(error, "ENOENT")) return true;
      throw error;
    }
    const text = this.#options.files.text(aside, LONGEST_LINK)?.text ?? "";
    const same = readLink(Buffer.from(text, "latin1")) === digest;
    try {
      // Where a newer one has come by now, that one counts.
      if (!same) linkSync(`${root}/${aside}`, `${root}/${path}`);
    } catch (error) {
      if (!isCode(error, "EEXIST")) throw error;
    }
    unlinkSync(`${root}/${aside}`);
    return same;
  }

  *#tagsOn(name: RepositoryName, digest: Digest): Generator<readonly [Tag, number]> {
    const { files } = this.#options;
    for (const tag of files.names(tagsPath(name)) ?? []) {
      // What the tag has ever named has an entry: most tags are told by that they have none.
      if (!isTag(tag) || files.folderTime(tagIndexPath(name, tag, digest)) === null) continue;
      const link = files.text(tagCurrentLink(name, tag), LONGEST_LINK);
      if (link && readLink(Buffer.from(link.text, "latin1")) === digest) yield [tag, link.at];
    }
  }

  #history(name: RepositoryName, tag: Tag): Digest[] {
    const { files } = this.#options;
    return ["sha256", "sha512"].flatMap((algorithm) =>
      (files.names(`${tagHistoryPath(name, tag)}/${algorithm}`) ?? []).map(
        (hex) => `${algorithm}:${hex}` as Digest,
      ),
    );
  }

  /** Of what went, what a tag or a manifest names that is there now. */
  #missing(name: RepositoryName, gone: ReadonlySet<Digest>): Missing[] {
    const { files } = this.#options;
    const needed = new Set<Digest>();
    for (const tag of files.names(tagsPath(name)) ?? []) {
      if (!isTag(tag)) continue;
      const link = files.text(tagCurrentLink(name, tag), LONGEST_LINK);
      const digest = link && readLink(Buffer.from(link.text, "latin1"));
      if (digest && gone.has(digest)) needed.add(digest);
    }
    for (const digest of this.#revisions(name)) {
      for (const child of this.#named(digest)) if (gone.has(child)) needed.add(child);
    }
    // What comes back needs its own children.
    for (const digest of needed) {
      for (const child of this.#named(digest)) if (gone.has(child)) needed.add(child);
    }
    return [...needed]
      .filter((digest) => files.look(revisionLink(name, digest)) === null)
      .map((digest) => ({ repository: name, digest, what: "revision" }));
  }

  #named(digest: Digest): readonly Digest[] {
    try {
      const bytes = this.#options.files.bytes(blobPath(digest), LARGEST_MANIFEST);
      return bytes ? contentOf(bytes, null).references.map((one) => one.digest) : [];
    } catch {
      // What cannot be read names nothing that anybody could pull.
      return [];
    }
  }

  #revisions(name: RepositoryName): Digest[] {
    const { files } = this.#options;
    return ["sha256", "sha512"].flatMap((algorithm) =>
      (files.names(`${revisionsPath(name)}/${algorithm}`) ?? []).map(
        (hex) => `${algorithm}:${hex}` as Digest,
      ),
    );
  }

  /** One run for all, so that the trash can be asked for what it took. */
  async #inRun(): Promise<number> {
    const { metadata, now } = this.#options;
    this.#run ??= metadata.startRun(now());
    return await this.#run;
  }

  #do(jobs: readonly Job[]): void {
    const [failed] = doJobs(this.#options.files.root, jobs).failed;
    if (failed) {
      throw new RegistryError("DATA_FOLDER", { reason: `${failed.path}: ${failed.problem}` });
    }
  }
}

function basis(run: number, repository: RepositoryName, digest: Digest, removedAt: number) {
  const reason = "retention lets it go";
  return { run, repository, digest, removedAt, reason, removedBy: null };
}

function refused(reason: string): RegistryError {
  return new RegistryError("REFUSED", { reason });
}
