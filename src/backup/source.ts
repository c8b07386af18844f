import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { databaseIn, demandRegistry } from "../metadata/data-folder.ts";
import { readTree } from "../metadata/read-tree.ts";
import { type Snapshot, isBehind, openSnapshot, readSetting } from "../metadata/snapshot.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import type { TreeProblem } from "../metadata/tree-problem.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { TREE_READ } from "../registry/compare.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { ownerOf } from "../storage/lock.ts";
import { OURS } from "../storage/tree.ts";
import type { BlobPlace } from "./blob-bytes.ts";

/** A data folder of which a backup is made. Nothing in it is changed. */
export interface BackupSource extends AsyncDisposable {
  readonly place: BlobPlace;
  /** False: another registry's; what it has was read from its tree just now. */
  readonly ours: boolean;
  /** What could not be read there, and is not in the snapshot. */
  readonly problems: readonly TreeProblem[];
  snapshot(): Snapshot;
}

/** Whether a folder's metadata answer for it: its tree was read once, whole. Throws DATA_FOLDER. */
export function wasRead(root: string): boolean {
  const path = databaseIn(root);
  return existsSync(path) && readSetting(path, TREE_READ) !== null;
}

/** Opens a data folder, whether or not a server has it open. Throws DATA_FOLDER. */
export async function openSource(folder: string, now: () => number): Promise<BackupSource> {
  const root = resolve(folder);
  const database = databaseIn(root);
  if (wasRead(root)) {
    return {
      place: { root, database },
      ours: true,
      problems: [],
      snapshot: () => openSnapshot(database),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const owner = ownerOf(join(root, OURS));
  if (owner) {
    // Its tables are not all yet, and its tree lags behind them: neither is a set.
    const reason = `process ${owner.pid} has ${root} open and has not read all of its tree yet; try again when it has`;
    throw new RegistryError("BACKUP_FAILED", { reason });
  }
  if (existsSync(database) && isBehind(database)) {
    const reason = `a server of ours was cut off in ${root} before it had read all of its tree, which lacks what was pushed last; start it once`;
    throw new RegistryError("BACKUP_FAILED", { reason });
  }
  demandRegistry(root);
  return await readForeign(root, database, now);
}

/** So often a repository is read again that was being pushed to. */
const READS = 3;

async function readForeign(
  root: string,
  database: string,
  now: () => number,
): Promise<BackupSource> {
  const place = await mkdtemp(join(tmpdir(), "wharf-backup-"));
  const path = join(place, "metadata.sqlite");
  const storage = filesystemStorage(root, { blocking: true });
  try {
    const metadata = await openSqlite(path);
    let problems: readonly TreeProblem[];
    try {
      problems = (await readTree(storage, metadata, { now })).problems;
      // A push that came between the reading of layers and that of manifests, or of tags, shows as
      // something that is not whole: read again it is. What still is not was so before, or is left out.
      for (let reads = 1; reads < READS; reads++) {
        const repositories = toReadAgain(path, problems);
        if (repositories.length === 0) break;
        const again = await readTree(storage, metadata, { now, repositories });
        const names = new Set<string>(repositories);
        problems = [...problems.filter((one) => !names.has(one.repository)), ...again.problems];
      }
    } finally {
      await metadata.close();
    }
    return {
      place: { root, database },
      ours: false,
      problems,
      snapshot: () => openSnapshot(path),
      [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(place, { recursive: true, force: true });
    throw error;
  }
}

function toReadAgain(path: string, problems: readonly TreeProblem[]): RepositoryName[] {
  using snapshot = openSnapshot(path);
  const names: RepositoryName[] = [];
  const broken = new Set(problems.map(({ repository }) => repository));
  for (const { name, manifests, blobs } of snapshot.repositories()) {
    const there = new Set([...manifests, ...blobs].map(({ digest }) => digest));
    const lacks = snapshot.references(name).some(({ digest }) => !there.has(digest));
    if (lacks || broken.has(name)) names.push(name);
  }
  return names;
}
