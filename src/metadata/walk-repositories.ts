import { type RepositoryName, isRepositoryName } from "../oci/name.ts";
import type { Entry, Storage } from "../storage/storage.ts";
import { REPOSITORIES } from "../storage/tree.ts";
import type { Findings } from "./tree-problem.ts";

/** A folder with one of these is a repository; one that holds only `_uploads` has never had content. */
const MARKS = ["_layers", "_manifests"];

/**
 * The repositories of a tree. They nest: `team` may be one, and `team/app` too.
 *
 * A folder that cannot be read, or whose name no client could ask for, is reported and left out with
 * all that is below it; the walk goes on.
 */
export async function* walkRepositories(
  storage: Storage,
  findings: Findings,
): AsyncGenerator<RepositoryName> {
  const folders = [""];
  for (let name = folders.pop(); name !== undefined; name = folders.pop()) {
    const path = pathOf(name);
    let entries: Entry[];
    try {
      entries = await Array.fromAsync(storage.list(path));
    } catch (error) {
      findings.addUnread(name, path, error);
      continue;
    }
    const marks = entries.filter((entry) => MARKS.includes(entry.name));
    if (marks.some(({ kind }) => kind !== "folder")) {
      findings.addUnread(name, path, `its ${marks[0]?.name} is not a folder`);
    } else if (marks.length > 0 && isRepositoryName(name)) yield name;
    for (const entry of entries) {
      // The layout's own folders begin with `_`, which no name does.
      if (entry.kind === "object" || entry.name.startsWith("_")) continue;
      const child = name === "" ? entry.name : `${name}/${entry.name}`;
      const problem = reasonToSkip(child, entry);
      if (problem === null) folders.push(child);
      else findings.add(child, pathOf(child), problem);
    }
  }
}

function pathOf(name: string): string {
  return name === "" ? REPOSITORIES : `${REPOSITORIES}/${name}`;
}

function reasonToSkip(name: string, { kind }: Entry): string | null {
  if (kind === "other") return "it is neither a file nor a folder; it is not read";
  return isRepositoryName(name) ? null : "it is not a valid repository name; it is not read";
}
