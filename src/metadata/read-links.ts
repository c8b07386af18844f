import { type Digest, isAlgorithm, isDigest } from "../oci/digest.ts";
import type { Storage } from "../storage/storage.ts";
import { readLink } from "../storage/tree.ts";
import { inParallel } from "./in-parallel.ts";

/** What a repository says about one path below it. */
export type Remark = (path: string, problem: string) => void;

/** A link that is there. `digest` is null when it names nothing: it is empty, torn or something else. */
export interface Link {
  readonly digest: Digest | null;
  /** When it was written, UTC milliseconds. */
  readonly at: number;
}

/** Null when there is no link. */
export async function lookUpLink(storage: Storage, path: string): Promise<Link | null> {
  const info = await storage.stat(path);
  const bytes = info && (await storage.readSmall(path));
  return info && bytes && { digest: readLink(bytes), at: info.modifiedAt };
}

/** How many looks at the storage one repository has under way: what takes long elsewhere overlaps. */
export const LOOKS = 16;

/**
 * Follows the links in `folder/<algorithm>/<hex>/link`, and calls `each` with what they lead to.
 *
 * A folder without its link was unlinked: registry 2 leaves it so. A link that is torn is taken for what
 * its folder says, because there the same digest stands a second time; one that names something else is
 * not followed. Both are remarked.
 */
export async function followLinks(
  storage: Storage,
  folder: string,
  remark: Remark,
  each: (digest: Digest, at: number) => Promise<void>,
): Promise<void> {
  await inParallel(LOOKS, digestsBelow(storage, folder, remark), async ([digest, path]) => {
    const link = await lookUpLink(storage, path);
    if (!link) return;
    if (link.digest === null) {
      remark(path, "the link is empty or torn; it is taken for what its folder says");
    } else if (link.digest !== digest) {
      remark(path, `the link names ${link.digest}; it is not followed`);
      return;
    }
    await each(digest, link.at);
  });
}

/** Each digest that has a folder, with the path of its link. */
async function* digestsBelow(
  storage: Storage,
  folder: string,
  remark: Remark,
): AsyncGenerator<[Digest, string]> {
  for await (const algorithm of foldersIn(storage, folder, remark)) {
    const path = `${folder}/${algorithm}`;
    if (!isAlgorithm(algorithm)) {
      remark(path, "this digest algorithm is not known; what is in it is not read");
      continue;
    }
    for await (const hex of foldersIn(storage, path, remark)) {
      const digest = `${algorithm}:${hex}`;
      if (isDigest(digest)) yield [digest, `${path}/${hex}/link`];
      else remark(`${path}/${hex}`, "the folder's name is not a digest; it is not read");
    }
  }
}

/** Names only. Files beside them, such as those of a file manager, mean nothing. */
export async function* foldersIn(
  storage: Storage,
  folder: string,
  remark: Remark,
): AsyncGenerator<string> {
  for await (const { name, kind } of storage.list(folder)) {
    if (kind === "folder") yield name;
    else if (kind === "other") {
      remark(`${folder}/${name}`, "it is neither a file nor a folder; it is not read");
    }
  }
}
