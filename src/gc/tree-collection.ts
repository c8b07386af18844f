import type { BlobId } from "../inventory/blob-table.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { realDisk } from "../storage/disk.ts";
import { RemovalPool } from "../storage/removal-pool.ts";
import { type FailedStep, type Job, makeFolders, moveBack } from "../storage/removals.ts";
import { syncAll } from "../storage/sync-filesystem.ts";
import type { TreeFiles } from "../storage/tree-files.ts";
import {
  LEAVING,
  TRASH,
  blobPath,
  leavingDigest,
  leavingPath,
  trashPath,
} from "../storage/tree.ts";
import {
  type Overlay,
  type TreeLook,
  type TreePolicy,
  isGarbage,
  lookAtTree,
} from "./tree-look.ts";
import { type PutBackCounts, putBack } from "./tree-put-back.ts";
import { forgetLeaving, isInPlace, leavingJobs, recoverTrash } from "./tree-recover.ts";
import {
  type RepositoryRemoval,
  emptyFolders,
  historyFolders,
  hollowJob,
  planRemoval,
  removalJobs,
} from "./tree-removal.ts";
import { type Row, blobRow, rowsOf } from "./tree-rows.ts";

export interface TreeCollectionOptions {
  readonly files: TreeFiles;
  readonly policy: TreePolicy;
  /** Free at once, instead of moving to the trash. */
  readonly purge: boolean;
  /** Where the trash is written down; null: there is none, and `purge` is on. */
  readonly metadata: Metadata | null;
  readonly overlay?: Overlay | undefined;
  /** Registries of other programs that serve this tree at this moment, in words. */
  writers(): readonly string[];
  /** From then on nothing more is begun; what was begun is brought to an end. */
  readonly stop?: AbortSignal | undefined;
  progress?(what: string): void;
}

/** What a run has done. */
export interface TreeOutcome {
  readonly manifests: number;
  readonly links: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly repositories: number;
  /** What somebody turned out to need, and was put back. */
  readonly putBack: PutBackCounts;
  /** Somebody else wrote to the tree meanwhile. */
  readonly written: boolean;
  /** It was asked to stop, and did not do all of its plan. */
  readonly stopped: boolean;
  readonly failures: readonly FailedStep[];
  /** Of which something went. */
  readonly touched: readonly RepositoryName[];
}

/** How many threads remove. Each costs some 10 MB, and more than these hardly save time. */
const THREADS = 6;
/** Rows that are committed, and removals that are done, together. */
const AT_ONCE = 5000;
/** Looks in a row, for as long as each finds something to put back. */
const MOST_LOOKS = 10;
/** How long a manifest may be on its way from its check to the tree. */
const BESIDE_WRITERS_MS = 3000;
/** The same where nobody seems to write: he may be on another machine. */
const ALONE_MS = 500;

/**
 * Removes from a tree what a plan has shown, in this order: tag history, revisions, layer links, blobs.
 * A crash in between leaves garbage, never something that names what is not there; the next run goes on.
 *
 * The tree may have another writer, who knows nothing of us. So each repository is judged again just before
 * it is touched; before any blob goes, all of them are read again; blobs are moved, not deleted; then all
 * repositories are read again, and what somebody has begun to need comes back, until a look finds nothing.
 * Rows of the trash are committed before anything is removed, so that after a crash it can be put back.
 */
export class TreeCollection {
  readonly #pool: RemovalPool;
  readonly #failures: FailedStep[] = [];
  readonly #counts = { manifests: 0, links: 0, blobs: 0, bytes: 0, repositories: 0 };
  readonly #putBack: PutBackCounts = { blobs: 0, links: 0 };
  readonly #touched = new Set<RepositoryName>();
  #began = 0;
  #written = false;
  #stopped = false;
  #run: number | null = null;

  constructor(readonly options: TreeCollectionOptions) {
    this.#pool = new RemovalPool(options.files.root, THREADS);
  }

  /** What the last run left, if it was cut off; and whatever is in the trash and needed again comes back. */
  async recover(): Promise<void> {
    const { metadata, files, policy } = this.options;
    if (metadata) await recoverTrash(metadata, files, policy.now);
    const leaving = files.names(LEAVING) !== null;
    if (!leaving && (await this.#trashIsEmpty())) return;
    await this.#deleteLeaving(await this.#settle(null));
  }

  /**
   * What a purge has put aside. All of it comes back if something is hidden that may need it, or if somebody
   * writes: a registry that remembers blobs takes pushes without their bytes, for as long as it runs.
   */
  async #deleteLeaving(
    { blobsStay }: TreeLook,
    writer = this.#writer(),
  ): Promise<{ readonly blobs: number; readonly bytes: number }> {
    const { files, purge } = this.options;
    let back = { blobs: 0, bytes: 0 };
    if (purge && blobsStay === null && writer === null) await this.#do([leavingJobs(files)]);
    else back = this.#bringBack();
    forgetLeaving(files);
    return back;
  }

  /** Throws REFUSED when bytes should be freed at once, and somebody else turns out to write. */
  async apply(plan: TreeLook): Promise<TreeOutcome> {
    const { metadata, policy } = this.options;
    this.#began = Date.now();
    try {
      if (isNothing(plan, policy)) return this.#outcome();
      // A purge is what helps when the disk is full: nothing is written down of it.
      if (!this.options.purge) this.#run = (await metadata?.startRun(policy.now)) ?? null;
      await this.#removeReferences(plan);
      await this.#removeBlobs(plan);
      const outcome = this.#outcome();
      const { failures: _failures, touched: _touched, ...report } = outcome;
      if (this.#run !== null) {
        await metadata?.endRun(this.#run, Date.now(), JSON.stringify(report));
      }
      return outcome;
    } finally {
      this.#pool.close();
    }
  }

  #outcome(): TreeOutcome {
    return {
      ...this.#counts,
      putBack: this.#putBack,
      written: this.#written,
      stopped: this.#stopped,
      failures: this.#failures,
      touched: [...this.#touched],
    };
  }

  async #removeReferences(plan: TreeLook): Promise<void> {
    const { policy, overlay, files } = this.options;
    const going = plan.repositories.filter(({ keptWhole }) => keptWhole === null);
    let group: RepositoryRemoval[] = [];
    let weight = 0;
    for (const [at, planned] of going.entries()) {
      const removal = await planRemoval(planned, plan.reader, policy, overlay);
      if (removal) {
        group.push(removal);
        weight += removal.indexes.length + removal.manifests.length + removal.links.length + 1;
      }
      if (weight < AT_ONCE && at < going.length - 1) continue;
      if (await this.#stops()) return;
      await this.#removeGroup(group);
      this.options.progress?.(`${at + 1} of ${going.length} repositories cleaned`);
      group = [];
      weight = 0;
    }
    const old = plan.reader.hollow.filter(({ at }) => at < policy.remainsBefore);
    await this.#do([old.map(({ path, files: names }) => hollowJob(path, names))]);
    // Links must not come back after a power cut when the bytes that they lead to do not.
    this.#sync(files);
  }

  async #removeGroup(group: readonly RepositoryRemoval[]): Promise<void> {
    const { files, policy, purge } = this.options;
    const read = purge ? null : files;
    const rows = group.flatMap((removal) => rowsOf(removal, read, this.#run, policy.now));
    const ids = await this.#toTrash(rows);
    const done = await this.#doWith(rows, ids, removalJobs(group));
    const removed = group.filter((one) => one.removed);
    await this.#do([
      group.map(historyFolders),
      // Nested ones before those that they lie in.
      [removed.toReversed().flatMap(({ name }) => emptyFolders(name, files))],
    ]);
    for (const { name } of group) this.#touched.add(name);
    const manifests = done.filter(({ kind }) => kind === "manifest").length;
    this.#counts.manifests += manifests;
    this.#counts.links += done.length - manifests;
    this.#counts.repositories += removed.length;
  }

  async #removeBlobs(plan: TreeLook): Promise<void> {
    const { files, policy, purge } = this.options;
    const look = await this.#settle(plan);
    if (purge) refuse(this.#writer());
    const { blobs } = look.reader;
    // What nobody needed when the plan was made, and nobody needs now.
    const going = [...look.garbage()].filter((id) => {
      const shown = plan.reader.blobs.find(blobs.digestOf(id));
      return shown >= 0 && plan.blobsStay === null && isGarbage(plan.reader, shown, policy);
    });
    if (going.length === 0 || (await this.#stops())) return;
    makeFolders(files.root, purge ? LEAVING : TRASH);
    for (let at = 0; at < going.length && !(await this.#stops()); at += AT_ONCE) {
      await this.#moveAway(going.slice(at, at + AT_ONCE), look);
      this.options.progress?.(
        `${Math.min(at + AT_ONCE, going.length)} of ${going.length} blobs removed`,
      );
    }
    const prefixes = new Set(going.map((id) => prefixOf(blobs.digestOf(id))));
    if (!this.#written && this.options.writers().length === 0) {
      await this.#do([[...prefixes].map((folder): Job => [{ folder }])]);
    }
    this.#sync(files);
    await this.#pause();
    const last = await this.#settle(plan);
    if (!purge) return;
    const writer = this.#writer();
    const back = await this.#deleteLeaving(last, writer);
    this.#counts.blobs -= back.blobs;
    this.#counts.bytes -= back.bytes;
    refuse(writer);
  }

  /**
   * A registry looks whether the blobs of a manifest are there, and writes its link a moment later. What it
   * saw before we moved them must be in the tree before we look for the last time.
   */
  async #pause(): Promise<void> {
    const beside = this.#written || this.options.writers().length > 0;
    await Bun.sleep(beside ? BESIDE_WRITERS_MS : ALONE_MS);
  }

  /** A purge had begun before it showed that somebody may need any of it: nothing is deleted. */
  #bringBack(): { blobs: number; bytes: number } {
    const { files } = this.options;
    const back = { blobs: 0, bytes: 0 };
    for (const name of files.names(LEAVING) ?? []) {
      const digest = leavingDigest(name);
      if (digest === null || files.look(blobPath(digest)) !== null) continue;
      if (!moveBack(files.root, leavingPath(digest), blobPath(digest))) continue;
      back.blobs++;
      back.bytes += files.look(blobPath(digest))?.size ?? 0;
    }
    this.#sync(files);
    return back;
  }

  async #moveAway(ids: readonly BlobId[], { reader: { blobs } }: TreeLook): Promise<void> {
    const { purge, policy } = this.options;
    const rows = ids.map((id) => blobRow(blobs, id, this.#run, policy.now));
    const names = await this.#toTrash(rows);
    const jobs = rows.map(({ digest }, at): Job => {
      const data = blobPath(digest);
      const to = purge ? leavingPath(digest) : trashPath(names[at] ?? 0);
      return [{ move: data, to }, { folder: data.slice(0, data.lastIndexOf("/")) }];
    });
    const done = await this.#doWith(rows, names, [jobs]);
    this.#counts.blobs += done.length;
    this.#counts.bytes += done.reduce((sum, { size }) => sum + size, 0);
  }

  /** Looks until nothing that is needed is missing, or all that can be was put back. `plan`: of this run. */
  async #settle(plan: TreeLook | null): Promise<TreeLook> {
    const { files, policy, overlay, metadata } = this.options;
    const removed = purgedIn(plan);
    // A look has threads of its own, and needs their room.
    this.#pool.close();
    for (let looks = 1; ; looks++) {
      const look = await lookAtTree(files, policy, { overlay, findMissing: true });
      if (plan && look.newest > this.#began) this.#written = true;
      const back = await putBack(look.missing, files, metadata, removed);
      this.#putBack.blobs += back.blobs;
      this.#putBack.links += back.links;
      if ((back.blobs === 0 && back.links === 0) || looks >= MOST_LOOKS) return look;
      if (plan) this.#written = true;
    }
  }

  async #stops(): Promise<boolean> {
    // What has blocked the thread has kept the wish from being heard.
    await new Promise(setImmediate);
    this.#stopped ||= this.options.stop?.aborted === true;
    return this.#stopped;
  }

  /** Who else writes to the tree, in words; null: nobody, as far as can be seen. */
  #writer(): string | null {
    const [first] = this.options.writers();
    return first ?? (this.#written ? "another program writes to this folder" : null);
  }

  /** Does what the rows tell of, and takes back those of which nothing could be done. Returns the others. */
  async #doWith(
    rows: readonly Row[],
    ids: readonly number[],
    lists: readonly (readonly Job[])[],
  ): Promise<readonly Row[]> {
    const before = this.#failures.length;
    await this.#do(lists);
    if (this.#failures.length === before) return rows;
    const { files, metadata } = this.options;
    const left = rows.map((row, at) => isInPlace({ ...row, id: ids[at] ?? null }, files));
    const wrong = ids.filter((_, at) => left[at]);
    if (wrong.length > 0) await metadata?.removeTrash(wrong);
    return rows.filter((_, at) => !left[at]);
  }

  async #toTrash(rows: readonly Row[]): Promise<readonly number[]> {
    if (rows.length === 0 || this.options.purge) return [];
    return (await this.options.metadata?.addTrash(rows)) ?? [];
  }

  async #do(lists: readonly (readonly Job[])[]): Promise<void> {
    for (const jobs of lists) {
      const { failed } = await this.#pool.run(jobs.filter((job) => job.length > 0));
      this.#failures.push(...failed);
    }
  }

  #sync({ root }: TreeFiles): void {
    syncAll(root, [], [root], realDisk);
  }

  async #trashIsEmpty(): Promise<boolean> {
    return ((await this.options.metadata?.sumTrash())?.entries ?? 0) === 0;
  }
}

function isNothing(
  { repositories, totals, reader }: TreeLook,
  { remainsBefore }: TreePolicy,
): boolean {
  const going = repositories.some(({ keptWhole }) => keptWhole === null);
  const hollow = reader.hollow.some(({ at }) => at < remainsBefore);
  return !going && !hollow && totals.blobs.garbage === 0;
}

function refuse(writer: string | null): void {
  if (writer === null) return;
  const reason = `${writer}; nothing was freed, what it may need is still there. Without --purge all goes through the trash, from where it can come back`;
  throw new RegistryError("REFUSED", { reason });
}

function prefixOf(digest: Digest): string {
  return blobPath(digest).split("/").slice(0, -2).join("/");
}

/** What a plan took away from each repository, for a run without rows. */
function purgedIn(plan: TreeLook | null): {
  has(name: RepositoryName, digest: Digest): "manifest" | "link" | null;
} {
  const planned = new Map(plan?.repositories.map((one) => [one.name, one.letsGo]));
  return {
    has(name, digest) {
      const id = plan?.reader.blobs.find(digest) ?? -1;
      const went = planned.get(name);
      if (id < 0 || !went) return null;
      if (went.manifests.includes(id)) return "manifest";
      return went.links.includes(id) ? "link" : null;
    },
  };
}
