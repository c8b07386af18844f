import { type Digest, isAlgorithm, isDigest } from "../oci/digest.ts";
import type { TreeFiles } from "../storage/tree-files.ts";
import { isTemporaryName, readLink } from "../storage/tree.ts";

/** Says what is there and could not be understood. `hidden`: nobody knows what else is in there. */
export type Problem = (path: string, problem: string, hidden?: boolean) => void;

/** A folder of a link, without a link. `files`: those in it are on their way to a name, or were. */
export interface HollowFolder {
  readonly path: string;
  /** When anything in it changed last. */
  readonly at: number;
  readonly files: readonly string[];
}

/** More bytes than any link has. */
export const LONGEST_LINK = 200;

/**
 * Reads the links in `folder/<algorithm>/<hex>/link`: calls `each` with what the folders say. What a link
 * says must be the same; where it is not, or there is anything else, `problem` hears of it.
 */
export function readLinks(
  files: TreeFiles,
  folder: string,
  problem: Problem,
  each: (digest: Digest, at: number) => void,
  hollow: (found: HollowFolder) => void,
): void {
  forDigests(files, folder, problem, (digest, path) => {
    const link = looked(`${path}/link`, problem, () => files.text(`${path}/link`, LONGEST_LINK));
    if (link === FAILED) each(digest, Number.POSITIVE_INFINITY);
    else if (link === null) hollowFolder(files, path, problem, hollow);
    else {
      each(digest, link.at);
      if (link.text === digest) return;
      const named = readLink(Buffer.from(link.text, "latin1"));
      if (named === digest) return;
      problem(`${path}/link`, named ? `the link names ${named}` : brokenLink(link.text));
      if (named) each(named, link.at);
    }
  });
}

/** Calls `each` with every digest that has a folder below `folder`, and the folder's path. */
export function forDigests(
  files: TreeFiles,
  folder: string,
  problem: Problem,
  each: (digest: Digest, path: string) => void,
): void {
  const algorithms = looked(folder, problem, () => files.entries(folder));
  if (algorithms === FAILED) return;
  for (const { name: algorithm, kind } of algorithms ?? []) {
    const path = `${folder}/${algorithm}`;
    if (isHidden(algorithm)) continue;
    if (!isAlgorithm(algorithm)) {
      // A file is a stranger here; a folder may be full of what we do not understand.
      if (kind !== "object") problem(path, "this digest algorithm is not known", true);
      continue;
    }
    const names = looked(path, problem, () => files.names(path));
    if (names === FAILED) continue;
    for (const hex of names ?? []) {
      const digest = `${algorithm}:${hex}`;
      if (isDigest(digest)) each(digest, `${path}/${hex}`);
      else if (!isHidden(hex)) problem(`${path}/${hex}`, "its name is not a digest");
    }
  }
}

export function brokenLink(text: string): string {
  return text === "" ? "the link is empty" : "the link is torn, or none";
}

/** Of file managers, and ours on their way to their name. */
export function isHidden(name: string): boolean {
  return name.startsWith(".");
}

/** What `looked` returns when the look has failed, which was said. */
export const FAILED = Symbol("failed");

/** Looks; something else in the place of a folder hides nothing, every other failure may. */
export function looked<T>(path: string, problem: Problem, look: () => T): T | typeof FAILED {
  try {
    return look();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const misplaced = code === "ENOTDIR" || code === "EISDIR" || code === undefined;
    const what =
      code === "ENOTDIR"
        ? "there is a file in the place of a folder"
        : code === "EISDIR"
          ? "there is a folder in the place of a file"
          : message;
    problem(path, `it cannot be read (${what})`, !misplaced);
    return FAILED;
  }
}

export function hollowFolder(
  files: TreeFiles,
  path: string,
  problem: Problem,
  hollow: (found: HollowFolder) => void,
): void {
  const found = looked(path, problem, () => ({
    entries: files.entries(path),
    at: files.folderTime(path),
  }));
  // It went a moment ago.
  if (found === FAILED || found.entries === null || found.at === null) return;
  const names = found.entries.map(({ name }) => name);
  const strange = names.find((name) => !isTemporaryName(name));
  if (strange === undefined) hollow({ path, at: found.at, files: names });
  // Its signatures may be there, or the link leads nowhere: something was here.
  else problem(`${path}/${strange}`, "it is no link, and there is none beside it");
}
