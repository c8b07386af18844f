import { dirname } from "node:path";
import { type Digest, isAlgorithm, isDigest } from "../oci/digest.ts";
import type { Entry, Storage } from "../storage/storage.ts";
import { inParallel } from "./in-parallel.ts";
import { isTemporaryName, readLink } from "../storage/tree.ts";
import type { Notes } from "./doubts.ts";
import { Misplaced, type Remark, Unreadable } from "./tree-problem.ts";

/** What of a repository stays as it is known: what is unchanged, and what could not be read. */
export class Kept<T> {
  #items: Set<T> | "all" = new Set();

  add(item: T): void {
    if (this.#items !== "all") this.#items.add(item);
  }

  /** Their list could not be read: any of them may be there. */
  addAll(): void {
    this.#items = "all";
  }

  has(item: T): boolean {
    return this.#items === "all" || this.#items.has(item);
  }

  get items(): ReadonlySet<T> | "all" {
    return this.#items;
  }
}

/** A link that is there. `digest` is null when it names nothing: it is empty, torn or something else. */
export interface Link {
  readonly digest: Digest | null;
  /** When it was written, UTC milliseconds. */
  readonly at: number;
}

/** More bytes than any link has: what is that large is none, and not read. */
const LONGEST_LINK = 200;

/**
 * Null when there is no link. Throws when it cannot be told, or something else is in its place.
 * `folder`: one on the way to it, which is known to be there. `strange`: without a link, its folder has
 * something else than links on their way to their name.
 */
export async function lookUpLink(
  storage: Storage,
  path: string,
  folder: string,
  strange: (name: string) => void = () => undefined,
): Promise<Link | null> {
  const info = await storage.stat(path);
  if (!info) {
    const beside = await mustBeAbsent(storage, path, folder);
    const stranger = beside.find(({ name }) => !isTemporaryName(name));
    if (stranger) strange(stranger.name);
    return null;
  }
  const bytes = info.size <= LONGEST_LINK ? await storage.readSmall(path) : new Uint8Array();
  return bytes && { digest: readLink(bytes), at: info.modifiedAt };
}

/**
 * Throws unless there is nothing at a path, and folders up to where that shows: to a look, a folder in
 * the place of a file, or a file in that of a folder, is like nothing at all. It shows at the latest in
 * `folder`, which is known to be one: of a hundred thousand that are empty, nobody shall list what is
 * above each. Returns what else is in the folder of the path.
 */
export async function mustBeAbsent(
  storage: Storage,
  path: string,
  folder = "",
): Promise<readonly Entry[]> {
  const [parent, name] = split(path);
  const entries = await Array.fromAsync(storage.list(parent));
  if (entries.some((one) => one.name === name)) throw new Misplaced(`${path} is not a file`);
  if (entries.length === 0) await mustBeFolders(storage, parent, folder);
  return entries;
}

/** Throws when something else is in the place of a folder, or of one on the way to it, below `top`. */
export async function mustBeFolders(storage: Storage, folder: string, top: string): Promise<void> {
  for (let at = folder; at !== top && at !== "";) {
    const [parent, name] = split(at);
    const entries = await Array.fromAsync(storage.list(parent));
    const entry = entries.find((one) => one.name === name);
    if (entry && entry.kind !== "folder") throw new Misplaced(`${at} is not a folder`);
    // A parent with entries is a folder, and this one is simply not in it.
    if (entries.length > 0) return;
    at = parent;
  }
}

function split(path: string): [parent: string, name: string] {
  const slash = path.lastIndexOf("/");
  return [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
}

/** How many looks at the storage one repository has under way: what takes long elsewhere overlaps. */
export const LOOKS = 16;

/**
 * Follows the links in `folder/<algorithm>/<hex>/link`, and calls `each` with what they lead to.
 *
 * A folder without its link was unlinked: registry 2 leaves it so. A link that is torn is taken for what
 * its folder says, because there the same digest stands a second time; one that names something else is
 * not followed. Both are remarked. What cannot be read is remarked, and kept.
 */
export async function followLinks(
  storage: Storage,
  folder: string,
  kept: Kept<Digest>,
  notes: Notes,
  each: (digest: Digest, at: number) => Promise<void>,
): Promise<void> {
  const { remark } = notes;
  const keep = (digest: Digest): void => {
    kept.add(digest);
    notes.mention(digest);
  };
  const follow = async ([digest, path]: [Digest, string]): Promise<void> => {
    const link = await lookUpLink(storage, path, dirname(path), (beside) => {
      // Its signatures may be there: something was here.
      remark(
        `${dirname(path)}/${beside}`,
        "it is no link, and there is none beside it",
        "something",
      );
      keep(digest);
    });
    if (!link) return;
    if (link.digest === null) {
      remark(path, "the link is empty or torn; it is taken for what its folder says", "something");
    } else if (link.digest !== digest) {
      remark(path, `the link names ${link.digest}; it is not followed`, "something");
      keep(digest);
      notes.mention(link.digest);
      return;
    }
    await each(digest, link.at);
  };
  await orKeepAll(folder, kept, remark, async () => {
    const digests = digestsBelow(storage, folder, { all: () => kept.addAll(), keep }, remark);
    await inParallel(LOOKS, digests, async (one) => {
      try {
        await follow(one);
      } catch (error) {
        remark(one[1], new Unreadable(error));
        keep(one[0]);
      }
    });
  });
}

/** Each digest that has a folder, with the path of its link. */
async function* digestsBelow(
  storage: Storage,
  folder: string,
  kept: { all(): void; keep(digest: Digest): void },
  remark: Remark,
): AsyncGenerator<[Digest, string]> {
  for await (const algorithm of foldersIn(storage, folder, remark, (name) => {
    if (!isAlgorithm(name)) return;
    remark(`${folder}/${name}`, IN_ITS_PLACE, "something");
    kept.all();
  })) {
    const path = `${folder}/${algorithm}`;
    if (!isAlgorithm(algorithm)) {
      const hides = algorithm.startsWith(".") ? "nothing" : "blobs";
      remark(path, "this digest algorithm is not known; what is in it is not read", hides);
      continue;
    }
    const digestFor = (hex: string): string => `${algorithm}:${hex}`;
    for await (const hex of foldersIn(storage, path, remark, (name) => {
      const digest = digestFor(name);
      if (!isDigest(digest)) return;
      remark(`${path}/${name}`, IN_ITS_PLACE, "something");
      kept.keep(digest);
    })) {
      const digest = digestFor(hex);
      if (isDigest(digest)) yield [digest, `${path}/${hex}/link`];
      else {
        const hides = hex.startsWith(".") ? "nothing" : "something";
        remark(`${path}/${hex}`, "the folder's name is not a digest; it is not read", hides);
      }
    }
  }
}

/**
 * The names of the folders in a folder. Something else is remarked, files once for all of them, and told
 * to `instead`: where its name is that of a folder of the layout, what was there is not known.
 */
export async function* foldersIn(
  storage: Storage,
  folder: string,
  remark: Remark,
  instead: (name: string) => void = () => undefined,
): AsyncGenerator<string> {
  const files = new Files();
  for await (const { name, kind } of storage.list(folder)) {
    if (kind === "folder") {
      yield name;
      continue;
    }
    instead(name);
    if (kind === "object") files.add(name);
    else remark(`${folder}/${name}`, NEITHER);
  }
  files.remark(folder, remark);
}

export const IN_ITS_PLACE = "there is something else in the place of a folder";

export const NEITHER =
  "it is neither a file nor a folder, or a link that leads nowhere or in a circle; it is not read";

/** Files where the layout has only folders. There may be very many: one remark is for all of them. */
export class Files {
  #count = 0;
  #first = "";

  /** Hidden ones mean nothing: those of a file manager, or ours on their way to their name. */
  add(name: string): void {
    if (!name.startsWith(".") && this.#count++ === 0) this.#first = name;
  }

  remark(folder: string, remark: Remark): void {
    if (this.#count === 0) return;
    const what = this.#count === 1 ? "a file that does" : `${this.#count} files that do`;
    remark(
      `${folder}/${this.#first}`,
      `${what} not belong here; nothing reads or removes them, delete them if nobody needs them`,
    );
  }
}

/** Does work that lists a folder; when that cannot be listed, all that is known of it stays. */
export async function orKeepAll<T>(
  folder: string,
  kept: Kept<T>,
  remark: Remark,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    remark(folder, new Unreadable(error));
    kept.addAll();
  }
}

/** Whether a folder is there. Throws when something else is in its place. */
export function hasFolder(entries: readonly Entry[], name: string): boolean {
  const entry = entries.find((one) => one.name === name);
  if (entry && entry.kind !== "folder") throw new Misplaced(`${name} is not a folder`);
  return entry !== undefined;
}
