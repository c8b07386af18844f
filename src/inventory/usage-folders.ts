import type { RepositoryName } from "../oci/name.ts";

/** A folder of repositories, as their names have it; `""` is the registry. Bytes, each blob once. */
export interface FolderUsage {
  readonly path: string;
  readonly repositories: number;
  readonly total: number;
  readonly unique: number;
  readonly shared: number;
}

interface Node {
  readonly path: string;
  readonly parent: Node | null;
  readonly depth: number;
  /** In the order of a walk; of repositories only. */
  order: number;
  total: number;
  unique: number;
  repositories: number;
}

/**
 * Bytes of repositories and of the folders that their names make, each blob once in each of them.
 *
 * A blob counts where it is held, and is taken off again where two neighbouring holders meet on the way
 * up: so every folder above has it once. It is unique from the folder on that has all of its holders.
 */
export class Folders {
  /** In the order of the names as they were given. */
  readonly #repositories: Node[] = [];
  readonly #folders = new Map<string, Node>();

  constructor(names: readonly RepositoryName[]) {
    const root = node("", null);
    this.#folders.set("", root);
    for (const name of names) this.#folderOf(parentOf(name));
    for (const name of names) {
      // A repository of which the name is also a folder's lies in that folder, beside what is below it.
      const folder = this.#folders.get(name) ?? this.#folderOf(parentOf(name));
      this.#repositories.push({ ...node(name, folder), repositories: 1 });
    }
    this.#number();
  }

  /** A blob of `size` bytes that these repositories hold, each named by its place in the list of names. */
  count(holders: readonly number[], size: number): void {
    const nodes = holders.map((at) => this.#repository(at));
    if (nodes.length > 1) nodes.sort((a, b) => a.order - b.order);
    let before: Node | null = null;
    let all: Node | null = null;
    for (const holder of nodes) {
      holder.total += size;
      if (before) meeting(before, holder).total -= size;
      all = all ? meeting(all, holder) : holder;
      before = holder;
    }
    if (all) all.unique += size;
  }

  /** Sums up, from the repositories to the registry. Once. */
  finish(): void {
    const deepestFirst = [...this.#folders.values()].toSorted((a, b) => b.depth - a.depth);
    const addUp = ({ parent, total, unique, repositories }: Node): void => {
      if (!parent) return;
      parent.total += total;
      parent.unique += unique;
      parent.repositories += repositories;
    };
    this.#repositories.forEach(addUp);
    deepestFirst.forEach(addUp);
  }

  ofRepository(at: number): Pick<FolderUsage, "total" | "unique"> {
    return this.#repository(at);
  }

  #repository(at: number): Node {
    const found = this.#repositories[at];
    if (!found) throw new RangeError(`there is no repository ${at}`);
    return found;
  }

  all(): FolderUsage[] {
    return [...this.#folders.values()]
      .map(({ path, repositories, total, unique }) => {
        return { path, repositories, total, unique, shared: total - unique };
      })
      .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  #folderOf(path: string): Node {
    const known = this.#folders.get(path);
    if (known) return known;
    const made = node(path, this.#folderOf(parentOf(path)));
    this.#folders.set(path, made);
    return made;
  }

  /** Neighbours in this order have no holder between them in any folder: a walk leaves each folder once. */
  #number(): void {
    const walked = this.#repositories.toSorted((a, b) => (wayOf(a) < wayOf(b) ? -1 : 1));
    for (const [at, repository] of walked.entries()) repository.order = at;
  }
}

/** In the order of these texts all of a folder stands together: nothing in a name sorts before the separator. */
function wayOf({ path }: Node): string {
  return path.replaceAll("/", "\u0001");
}

function node(path: string, parent: Node | null): Node {
  const depth = parent ? parent.depth + 1 : 0;
  return { path, parent, depth, order: 0, total: 0, unique: 0, repositories: 0 };
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** The lowest folder that has both, or the repository itself. */
function meeting(a: Node, b: Node): Node {
  let [one, other] = [a, b];
  while (one !== other) {
    if (one.depth >= other.depth && one.parent) one = one.parent;
    else other = other.parent ?? one;
  }
  return one;
}
