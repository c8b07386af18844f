import { allRepositories } from "../metadata/paged.ts";
import { Findings } from "../metadata/tree-problem.ts";
import { walkRepositories } from "../metadata/walk-repositories.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { blobPath, repositoryPath } from "../storage/tree.ts";
import { verifyBytes } from "./check-bytes.ts";
import { checkTrash } from "./check-trash.ts";
import type { Checkable } from "./checkable.ts";
import { type CheckSettings, checkRepository } from "./check-repository.ts";
import { type Cause, type Checked, type Finding, keyOf } from "./finding.ts";

export interface CheckOptions {
  /** Read every byte and compare it with its digest; otherwise files are looked at, not read. */
  readonly verifyBytes: boolean;
  /** Manifests may lack parts: see `Rules.sparse`. */
  readonly sparse: boolean;
  /**
   * Of a registry that goes on meanwhile: resolves when the tree has all that was acknowledged before
   * the call. Null: nothing changes while we look.
   */
  readonly settle: (() => Promise<void>) | null;
}

/** What comes out of a check, in order; `done` once, at the end. */
export type CheckEvent =
  | { readonly finding: Finding }
  | { readonly progress: Checked }
  | { readonly done: Checked };

/**
 * Whether every tag can be pulled whole, and whether metadata and tree say the same. Changes nothing.
 *
 * Memory is bounded by the largest repository, by the damage and by the names of the repositories, not
 * by what is in them. What is found in a registry that is being used may be a change half seen: the
 * repositories with a finding are looked at again when the tree has followed, which is waited for once,
 * and only what both looks found is reported. What comes into being during the check is not looked at, so
 * it ends although there is no end of pushes.
 */
export async function* checkRegistry(
  what: Checkable,
  options: CheckOptions,
): AsyncGenerator<CheckEvent> {
  const checked: Checked = {
    repositories: 0,
    tags: 0,
    manifests: 0,
    blobs: 0,
    files: 0,
    bytes: 0,
  };
  const damaged = new Set<Digest>();
  if (options.verifyBytes) {
    for await (const { digest, unread } of verifyBytes(what.storage, checked)) {
      if (unread !== null) yield { finding: unreadable(null, blobPath(digest), unread) };
      else if (digest !== null) damaged.add(digest);
      yield { progress: { ...checked } };
    }
  }
  const behind = options.settle ? new Set<RepositoryName>() : await following(what);
  const known = new Set<Digest>();
  /** What has a finding that may be a change half seen, with the keys of all its findings. */
  const suspects = new Map<RepositoryName, ReadonlySet<string>>();
  for (const name of await Array.fromAsync(allRepositories(what.metadata))) {
    const findings = await look(name, checked);
    if (!options.settle) yield* tell(findings);
    else if (findings.length > 0) suspects.set(name, new Set(findings.map(keyOf)));
    checked.repositories++;
    yield { progress: { ...checked } };
  }
  if (suspects.size > 0) await options.settle?.();
  for (const [name, keys] of suspects) {
    yield* tell((await look(name, null)).filter((finding) => keys.has(keyOf(finding))));
    yield { progress: { ...checked } };
  }
  yield* strangers(what);
  for await (const finding of checkTrash(what, options.settle !== null)) yield { finding };
  for (const digest of damaged) {
    if (known.has(digest)) continue;
    const path = blobPath(digest);
    const problem = "its bytes are not those of its digest";
    const where = { repository: null, images: [], digest, path };
    yield { finding: { kind: "unused", cause: "bytes", ...where, problem } };
  }
  yield { done: checked };

  function* tell(findings: readonly Finding[]): Generator<CheckEvent> {
    for (const finding of findings) {
      if (finding.digest !== null) known.add(finding.digest);
      yield { finding };
    }
  }

  async function look(name: RepositoryName, counts: Checked | null): Promise<Finding[]> {
    const { sparse } = options;
    const settings = { sparse, damaged, ignoreTree: behind.has(name) };
    return await lookAt(name, what, settings, counts);
  }
}

/** All findings in one repository; when it cannot be read, that is the one. */
export async function lookAt(
  name: RepositoryName,
  what: Checkable,
  settings: CheckSettings,
  counts: Checked | null,
): Promise<Finding[]> {
  try {
    return await checkRepository(name, what, settings, counts);
  } catch (error) {
    return [unreadable(name, repositoryPath(name), error)];
  }
}

function unreadable(repository: RepositoryName | null, path: string, error: unknown): Finding {
  const problem = `it cannot be read (${error instanceof Error ? error.message : String(error)})`;
  return { kind: "unread", cause: "medium", repository, images: [], digest: null, path, problem };
}

/** The repositories whose tree lacks changes that wait in the journal: after a crash, until the next start. */
async function following({ metadata }: Checkable): Promise<Set<RepositoryName>> {
  const journal = await metadata.readJournal(Number.MAX_SAFE_INTEGER);
  return new Set(journal.map(({ entry }) => entry.name));
}

/** Repositories of the tree that the metadata does not know, and folders that are none. */
async function* strangers({ metadata, storage }: Checkable): AsyncGenerator<CheckEvent> {
  const findings = new Findings();
  const found = (
    kind: Finding["kind"],
    cause: Cause,
    path: string,
    problem: string,
  ): CheckEvent => ({
    finding: { kind, cause, repository: null, images: [], digest: null, path, problem },
  });
  for await (const name of walkRepositories(storage, findings)) {
    if (await metadata.hasRepository(name)) continue;
    const problem = "the metadata does not know this repository";
    yield found("tree", "stranger", repositoryPath(name), problem);
  }
  for (const { repository, path, problem } of findings.problems) {
    if (findings.unread.includes(repository)) yield found("unread", "medium", path, problem);
    else yield found("tree", "other", path, problem);
  }
}
