import type { RepositoryName } from "../oci/name.ts";
import type { Storage } from "../storage/storage.ts";
import { REPOSITORIES, repositoryPath } from "../storage/tree.ts";
import { allRepositories } from "./paged.ts";
import { Background, inParallel } from "./in-parallel.ts";
import type { Metadata, RepositoryChanges, RepositorySnapshot } from "./metadata.ts";
import { readRepository } from "./read-repository.ts";
import { Findings, type TreeProblem, Unreadable } from "./tree-problem.ts";
import { walkBlobs } from "./walk-blobs.ts";
import { hasBlobs, hasRepositories, walkRepositories } from "./walk-repositories.ts";

export interface ReadOptions {
  readonly now: () => number;
  /** Called after each repository that was read, with how many there were. */
  readonly onProgress?: (progress: { readonly repositories: number }) => void;
  /** Only these; all that the tree has or that are known when absent. */
  readonly repositories?: readonly RepositoryName[];
  /** Not these: the tree has not followed yet what was changed in them. */
  readonly except?: ReadonlySet<RepositoryName>;
}

/** What was read, and what of it was new. */
export interface ReadReport {
  repositories: number;
  /** Of these the tree and the metadata differed. */
  changed: number;
  /** New ones. */
  manifests: number;
  /** New ones, and those that were moved. */
  tags: number;
  /** New links: a blob that two repositories share counts twice. */
  blobs: number;
  readonly problems: readonly TreeProblem[];
  /**
   * Repositories, or folders with all that is below them (`""`: all), where the medium failed. Some of
   * what is known of them is older than the tree, or nothing: they must be read again before anything is
   * judged by it.
   */
  readonly unread: readonly string[];
  /**
   * Of those, the ones of which nothing at all could be read. Of the others the metadata say that something
   * is unreadable, and collections keep them.
   */
  readonly unseen: readonly string[];
}

/** What is known, and where what is different is recorded. */
export type TreeMetadata = Pick<
  Metadata,
  "hasRepository" | "knownRepository" | "referencesOf" | "listRepositories" | "replaceRepository"
>;

/** Repositories that are read at the same time: with a slow storage their looks overlap. */
const READING = 4;
/**
 * What was read and waits for the database, in rows and kilobytes. It bounds the memory, and is enough
 * for commits to be shared: small ones write the same pages of the database again and again.
 */
const RECORDING = 8000;

/**
 * Makes the metadata say what the tree says, repository by repository, and changes nothing in the tree.
 *
 * Unreadable is not absent. What is broken is reported and costs nothing else; where the medium fails,
 * what is known stays, rather than being replaced by less. Rejects only when the metadata cannot be
 * written.
 *
 * A repository that is known, and of which a tree that can be read has nothing, was removed from it: it
 * is forgotten.
 */
export async function readTree(
  storage: Storage,
  metadata: TreeMetadata,
  options: ReadOptions,
): Promise<ReadReport> {
  const reader = new TreeReader(metadata, options.now());
  let repositories = 0;
  const recording = new Background(RECORDING);
  const names = options.repositories?.values() ?? reader.names(await reader.list(storage), storage);
  await inParallel(READING, names, async (name) => {
    if (options.except?.has(name)) return;
    const snapshot = await reader.read(name, storage);
    await recording.begin(weightOf(snapshot), async () => {
      await reader.record(snapshot);
      options.onProgress?.({ repositories: ++repositories });
    });
    // A storage that blocks never lets the event loop turn, and the writer's answers come through it.
    await new Promise(setImmediate);
  });
  await recording.end();
  if (!options.repositories) await walkBlobs(storage, reader.findings);
  return reader.report;
}

/** Reads repositories in any order, and counts. */
export class TreeReader {
  readonly findings = new Findings();
  #hasBlobs: Promise<boolean> | null = null;
  readonly #counts = { repositories: 0, changed: 0, manifests: 0, tags: 0, blobs: 0 };

  /** `now`: UTC milliseconds; a link is not believed to be younger. */
  constructor(
    readonly metadata: TreeMetadata,
    readonly now: number,
  ) {}

  get report(): ReadReport {
    const { problems, unread, unseen } = this.findings;
    return { ...this.#counts, problems, unread, unseen };
  }

  /** The repositories of the tree. */
  async list(storage: Storage): Promise<RepositoryName[]> {
    await this.#lookForBlobs(storage).catch(() => undefined);
    return await Array.fromAsync(walkRepositories(storage, this.findings));
  }

  /** Those, then the ones that are known and were not found there. */
  async *names(
    listed: readonly RepositoryName[],
    storage: Storage,
  ): AsyncGenerator<RepositoryName> {
    yield* listed;
    const found = new Set(listed);
    for await (const name of allRepositories(this.metadata)) {
      if (found.has(name)) continue;
      // Nothing is removed because a whole tree is not there: that is a disk, not a decision.
      if (found.size === 0 && !(await hasRepositories(storage))) {
        const missing = new Error("there is no such folder, but repositories are known");
        this.findings.add("", REPOSITORIES, new Unreadable(missing));
        return;
      }
      if (!this.findings.isUnread(name)) yield name;
    }
  }

  /** What the tree has of a repository; null when that is known, or nothing can be read. */
  async read(name: RepositoryName, storage: Storage): Promise<RepositorySnapshot | null> {
    this.#counts.repositories++;
    const about = this.findings.about(name, repositoryPath(name));
    try {
      return await readRepository(storage, name, this.now, this.metadata, about.remark, () =>
        this.#lookForBlobs(storage),
      );
    } catch (error) {
      this.findings.add(name, repositoryPath(name), new Unreadable(error));
      return null;
    } finally {
      about.end();
    }
  }

  /** Once, and early: what is pushed meanwhile would make the folder of a disk that is not mounted. */
  async #lookForBlobs(storage: Storage): Promise<boolean> {
    this.#hasBlobs ??= hasBlobs(storage);
    return await this.#hasBlobs;
  }

  async record(snapshot: RepositorySnapshot | null): Promise<RepositoryChanges | null> {
    if (!snapshot) return null;
    const changes = await this.metadata.replaceRepository(snapshot);
    const { blobs, manifests, tags } = changes;
    this.#counts.changed++;
    this.#counts.blobs += blobs.added;
    this.#counts.manifests += manifests.added;
    this.#counts.tags += tags.added + tags.moved.length;
    return changes;
  }
}

/** Rows and kilobytes, to bound how much is held at a time. */
export function weightOf(snapshot: RepositorySnapshot | null): number {
  if (!snapshot) return 0;
  const { blobs, manifests, tags } = snapshot;
  const bytes = manifests.reduce((sum, manifest) => sum + manifest.bytes.length, 0);
  return blobs.length + manifests.length + tags.length + bytes / 1024;
}
