import type { RepositoryName } from "../oci/name.ts";
import type { Storage } from "../storage/storage.ts";
import { repositoryPath } from "../storage/tree.ts";
import { Background, inParallel } from "./in-parallel.ts";
import type { Metadata, RepositorySnapshot } from "./metadata.ts";
import { readRepository } from "./read-repository.ts";
import { Findings, type TreeProblem } from "./tree-problem.ts";
import { walkRepositories } from "./walk-repositories.ts";

export interface ReadOptions {
  readonly now: () => number;
  /** Called after each repository that was recorded. */
  readonly onProgress?: (progress: { readonly repositories: number }) => void;
  /** Only these; all that the tree has when absent. */
  readonly repositories?: readonly RepositoryName[];
}

/** What was read and recorded. */
export interface ReadReport {
  repositories: number;
  manifests: number;
  tags: number;
  /** Links: a blob that two repositories share counts twice. */
  blobs: number;
  readonly problems: readonly TreeProblem[];
  /**
   * Repositories, or folders with all that is below them (`""`: all), where the medium failed. What is
   * known of them is older than the tree, or nothing: they must be read again before anything is judged
   * by it.
   */
  readonly unread: readonly string[];
}

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
 * the repository is reported and what is known of it stays, rather than being replaced by less. Rejects
 * only when the metadata cannot be written.
 *
 * A repository that is named and not in the tree (any more) is emptied, if it is known. One that is not
 * named and not in the tree stays as it is.
 */
export async function readTree(
  storage: Storage,
  metadata: Pick<Metadata, "replaceRepository" | "hasRepository">,
  options: ReadOptions,
): Promise<ReadReport> {
  const findings = new Findings();
  const { problems, unread } = findings;
  const report: ReadReport = {
    repositories: 0,
    manifests: 0,
    tags: 0,
    blobs: 0,
    problems,
    unread,
  };
  const { repositories, now, onProgress } = options;

  const read = async (name: RepositoryName): Promise<RepositorySnapshot | null> => {
    try {
      return await readRepository(storage, name, now(), (path, problem) =>
        findings.add(name, path, problem),
      );
    } catch (error) {
      findings.addUnread(name, repositoryPath(name), error);
      return null;
    }
  };
  const record = async (snapshot: RepositorySnapshot): Promise<void> => {
    await metadata.replaceRepository(snapshot);
    report.repositories++;
    report.manifests += snapshot.manifests.length;
    report.tags += snapshot.tags.length;
    report.blobs += snapshot.blobs.length;
    onProgress?.({ repositories: report.repositories });
  };

  const recording = new Background(RECORDING);
  const names = repositories?.values() ?? walkRepositories(storage, findings);
  await inParallel(READING, names, async (name) => {
    const snapshot = await read(name);
    if (!snapshot) return;
    if (isEmpty(snapshot) && repositories && !(await metadata.hasRepository(name))) return;
    await recording.begin(weightOf(snapshot), () => record(snapshot));
    // A storage that blocks never lets the event loop turn, and the writer's answers come through it.
    await new Promise(setImmediate);
  });
  await recording.end();
  return report;
}

function isEmpty({ blobs, manifests, tags }: RepositorySnapshot): boolean {
  return blobs.length + manifests.length + tags.length === 0;
}

function weightOf({ blobs, manifests, tags }: RepositorySnapshot): number {
  const bytes = manifests.reduce((sum, manifest) => sum + manifest.bytes.length, 0);
  return blobs.length + manifests.length + tags.length + bytes / 1024;
}
