import { type RepositoryName, isRepositoryName } from "../oci/name.ts";
import type { Entry, Storage } from "../storage/storage.ts";
import { BLOBS, REPOSITORIES, TREE } from "../storage/tree.ts";
import { Files, NEITHER } from "./read-links.ts";
import { type Findings, Unreadable } from "./tree-problem.ts";

/** Those, or only unfinished uploads of another registry. */
export const MARKS_OR_UPLOADS: readonly string[] = ["_layers", "_manifests", "_uploads"];

/** A folder with one of these is a repository; one that holds only `_uploads` has never had content. */
const MARKS = ["_layers", "_manifests"];

/**
 * The repositories of a tree. They nest: `team` may be one, and `team/app` too.
 *
 * A folder that cannot be read, or whose name no client could ask for, is reported and left out with
 * all that is below it; the walk goes on. `marks`: folders of which a repository has one.
 */
export async function* walkRepositories(
  storage: Storage,
  findings: Findings,
  marks: readonly string[] = MARKS,
): AsyncGenerator<RepositoryName> {
  const folders = [""];
  for (let name = folders.pop(); name !== undefined; name = folders.pop()) {
    const path = pathOf(name);
    let entries: Entry[];
    try {
      entries = await Array.fromAsync(storage.list(path));
    } catch (error) {
      findings.add(name, path, new Unreadable(error));
      continue;
    }
    if (entries.some((entry) => marks.includes(entry.name)) && isRepositoryName(name)) yield name;
    const files = new Files();
    for (const entry of entries) {
      // The layout's own folders begin with `_`, which no name does.
      if (entry.name.startsWith("_")) continue;
      if (entry.kind === "object") {
        files.add(entry.name);
        continue;
      }
      const child = name === "" ? entry.name : `${name}/${entry.name}`;
      const problem = reasonToSkip(child, entry);
      if (problem === null) folders.push(child);
      else findings.add(child, pathOf(child), problem);
    }
    files.remark(path, (at, problem) => findings.add(name, at, problem));
  }
}

/**
 * Whether the folder of all repositories is there. Where it is not, nobody has removed the repositories
 * that we know: a disk is not mounted, or the tree was moved away.
 */
export async function hasRepositories(storage: Storage): Promise<boolean> {
  return await has(REPOSITORIES, storage);
}

/** The same for the folder of all blobs: a collection removes what is in it, never the folder. */
export async function hasBlobs(storage: Storage): Promise<boolean> {
  return await has(BLOBS, storage);
}

async function has(folder: string, storage: Storage): Promise<boolean> {
  for await (const { name, kind } of storage.list(TREE)) {
    if (`${TREE}/${name}` === folder && kind === "folder") return true;
  }
  return false;
}

function pathOf(name: string): string {
  return name === "" ? REPOSITORIES : `${REPOSITORIES}/${name}`;
}

function reasonToSkip(name: string, { kind }: Entry): string | null {
  if (kind === "other") return NEITHER;
  return isRepositoryName(name) ? null : "it is not a valid repository name; it is not read";
}
