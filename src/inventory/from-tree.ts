import { isAlgorithm, isDigest } from "../oci/digest.ts";
import { type RepositoryName, isRepositoryName } from "../oci/name.ts";
import type { Entry } from "../storage/storage.ts";
import type { TreeFiles } from "../storage/tree-files.ts";
import { BLOBS, REPOSITORIES } from "../storage/tree.ts";
import { BlobTable, type BlobTableMemory } from "./blob-table.ts";
import type { Unreadable } from "./inventory.ts";
import {
  FAILED,
  type HollowFolder,
  type Problem,
  hollowFolder,
  isHidden,
  looked,
} from "./tree-links.ts";
import { type TreeRepository, readTreeRepository } from "./tree-repository.ts";

export type { TreeRepository } from "./tree-repository.ts";

/** What a reader knows of blobs, for one in another thread that reads repositories. */
export interface KnownBlobs {
  readonly table: BlobTableMemory;
  /** Why they could not be read; null: they could. */
  readonly lost: Unreadable | null;
}

/** What a reader has come across, for the one in another thread that it works for. */
export interface Findings {
  readonly hollow: readonly HollowFolder[];
  readonly problems: readonly Unreadable[];
  readonly hidden: Unreadable | null;
}

/**
 * A tree of the distribution layout, read without a database: its blobs first, then repository by
 * repository what decisions need. Blocks its thread, changes nothing.
 *
 * In this order on purpose. What the list of blobs has is older than what the repositories say: whatever
 * is pushed meanwhile is either not in the list, or is named by a repository that is read later.
 */
export class TreeReader {
  readonly blobs: BlobTable;
  /** Folders of blobs that have no bytes. */
  readonly hollow: HollowFolder[] = [];
  /** What is wrong outside of repositories. */
  readonly problems: Unreadable[] = [];
  /**
   * The first of what could not be read, and may name any blob; null: all was read. As long as there is
   * one, no blob may go.
   */
  hidden: Unreadable | null = null;
  #lost: Unreadable | null = null;

  /**
   * `now`: UTC milliseconds; what lies ahead of it was not written just now, some clock was wrong.
   * `known`: of a reader in another thread, which has read all blobs.
   */
  constructor(
    readonly files: TreeFiles,
    readonly now: () => number = Date.now,
    known?: KnownBlobs,
  ) {
    this.blobs = new BlobTable(known?.table);
    this.#lost = known?.lost ?? null;
  }

  /** Lists all blobs, with sizes and times. */
  readBlobs(): void {
    for (const folder of this.blobFolders()) this.readBlobsIn(folder);
  }

  get known(): KnownBlobs {
    return { table: this.blobs.memory, lost: this.#lost };
  }

  get findings(): Findings {
    const { hollow, problems, hidden } = this;
    return { hollow, problems, hidden };
  }

  /** Takes over what a reader of another thread has come across. */
  addFindings({ hollow, problems, hidden }: Findings): void {
    this.hollow.push(...hollow);
    this.problems.push(...problems);
    this.hidden ??= hidden;
  }

  /** The folders in which blobs have theirs. */
  blobFolders(): string[] {
    const { files } = this;
    const algorithms = looked(BLOBS, this.#problem, () => files.entries(BLOBS));
    if (algorithms === null || algorithms === FAILED) {
      this.#lost = { path: BLOBS, problem: "the folder of all blobs is missing" };
      return [];
    }
    return algorithms.flatMap(({ name: algorithm, kind }) => {
      const path = `${BLOBS}/${algorithm}`;
      if (!isAlgorithm(algorithm)) {
        if (kind !== "object" && !isHidden(algorithm)) {
          this.#problem(path, "this digest algorithm is not known; it is left");
        }
        return [];
      }
      const prefixes = looked(path, this.#problem, () => files.names(path));
      if (prefixes === FAILED || prefixes === null) return [];
      return prefixes.filter((prefix) => !isHidden(prefix)).map((prefix) => `${path}/${prefix}`);
    });
  }

  /** Lists the blobs of one of `blobFolders`. */
  readBlobsIn(folder: string): void {
    const { files, blobs } = this;
    const [algorithm = "", prefix = ""] = folder.split("/").slice(-2);
    const names = looked(folder, this.#problem, () => files.names(folder));
    if (names === FAILED) return;
    for (const hex of names ?? []) {
      const digest = `${algorithm}:${hex}`;
      if (!isDigest(digest) || !hex.startsWith(prefix)) continue;
      const path = `${folder}/${hex}`;
      const info = looked(path, this.#problem, () => files.look(`${path}/data`));
      if (info === FAILED) continue;
      if (info) blobs.add(digest, info.size, info.modifiedAt);
      else
        hollowFolder(
          files,
          path,
          () => undefined,
          (found) => this.hollow.push(found),
        );
    }
  }

  /**
   * The repositories of the tree; they nest. A folder that cannot be read may hold others, and then nobody
   * knows which blobs they need; one whose name no client could ask for as well.
   */
  *names(): Generator<RepositoryName> {
    const folders = [""];
    for (let name = folders.pop(); name !== undefined; name = folders.pop()) {
      const path = name === "" ? REPOSITORIES : `${REPOSITORIES}/${name}`;
      const entries = looked(path, this.#problem, () => this.files.entries(path));
      if (entries === FAILED) continue;
      const below: string[] = [];
      let own = false;
      for (const entry of entries ?? []) {
        if (MARKS.has(entry.name)) own = true;
        if (entry.name.startsWith("_") || entry.kind === "object") continue;
        const child = name === "" ? entry.name : `${name}/${entry.name}`;
        if (entry.kind === "folder" && isRepositoryName(child)) below.push(child);
        else if (!isHidden(entry.name)) this.#strange(`${path}/${entry.name}`, entry);
      }
      if (own && isRepositoryName(name)) yield name;
      // In the order of names, as plans show them.
      folders.push(...below.toSorted().toReversed());
    }
  }

  /** Everything in one repository. */
  read(name: RepositoryName): TreeRepository {
    const found = readTreeRepository(name, this.files, this.blobs, this.now);
    if (found.hidden) this.hidden ??= found.hidden;
    return this.#lost ? { ...found, unreadable: [this.#lost, ...found.unreadable] } : found;
  }

  /** What no client could ask for may hold repositories all the same: an older registry's, or a broken name. */
  #strange(path: string, { kind }: Entry): void {
    const folders = kind === "folder" ? [path] : [];
    let holds = kind !== "folder";
    for (let next = folders.pop(); next !== undefined && !holds; next = folders.pop()) {
      const below = next;
      const entries = looked(below, this.#problem, () => this.files.entries(below));
      if (entries === FAILED) return;
      for (const { name, kind: what } of entries ?? []) {
        if (MARKS.has(name) || what === "other") holds = true;
        else if (what === "folder") folders.push(`${below}/${name}`);
      }
    }
    this.#problem(path, STRANGE, holds);
  }

  readonly #problem: Problem = (path, problem, hidden = false) => {
    this.problems.push({ path, problem });
    if (hidden) this.hidden ??= { path, problem };
  };
}

/** What makes a folder a repository. */
const MARKS = new Set(["_layers", "_manifests", "_uploads"]);

const STRANGE = "it is neither a folder nor a file, or its name is not one of a repository";
