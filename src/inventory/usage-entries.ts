import type { Digest } from "../oci/digest.ts";
import type { Tag } from "../oci/reference.ts";
import type { InventoryManifest, RepositoryInventory } from "./inventory.ts";

/** `untagged`: all manifests that no tag keeps, with what they name. `unreferenced`: links that no manifest needs. */
export type EntryKind = "tag" | "untagged" | "unreferenced";

/** What a repository's bytes are put down to. */
export interface Entry {
  readonly kind: EntryKind;
  readonly tag: Tag | null;
  readonly digest: Digest | null;
  /** Bytes, each digest once. */
  readonly total: number;
}

/** Not one entry's alone. */
export const MANY = -1;

export interface Entries {
  readonly entries: readonly Entry[];
  /** For everything that the repository holds: the one entry that needs it, or `MANY`. */
  readonly owners: ReadonlyMap<Digest, number>;
  readonly sizes: ReadonlyMap<Digest, number>;
}

/** Puts all that a repository holds down to its tags, or to what no tag keeps. Pure. */
export function entriesOf({ tags, manifests, links }: RepositoryInventory): Entries {
  const sizes = new Map<Digest, number>();
  for (const { digest, size } of links) sizes.set(digest, size ?? 0);
  for (const { digest, size } of manifests) sizes.set(digest, size);
  const closure = closures(manifests, sizes);
  const entries: Entry[] = [];
  const owners = new Map<Digest, number>();
  const claim = (digest: Digest, entry: number): void => {
    const owner = owners.get(digest);
    if (owner === undefined) owners.set(digest, entry);
    else if (owner !== entry) owners.set(digest, MANY);
  };
  const count = (roots: readonly Digest[], entry: number): number => {
    let total = 0;
    for (const digest of closure(roots)) {
      total += sizes.get(digest) ?? 0;
      claim(digest, entry);
    }
    return total;
  };

  for (const [digest, named] of Map.groupBy(tags, (one) => one.digest)) {
    const total = count([digest], named.length === 1 ? entries.length : MANY);
    for (const { tag } of named) entries.push({ kind: "tag", tag, digest, total });
  }
  const untagged = manifests.map(({ digest }) => digest).filter((digest) => !owners.has(digest));
  if (untagged.length > 0) {
    const total = count(untagged, entries.length);
    entries.push({ kind: "untagged", tag: null, digest: null, total });
  }
  const rest = [...sizes.keys()].filter((digest) => !owners.has(digest));
  if (rest.length > 0) {
    const total = rest.reduce((sum, digest) => sum + (sizes.get(digest) ?? 0), 0);
    for (const digest of rest) owners.set(digest, entries.length);
    entries.push({ kind: "unreferenced", tag: null, digest: null, total });
  }
  return { entries, owners, sizes };
}

/** From roots to all that they keep and that is here: what is below them, and the referrers of all that. */
function closures(
  manifests: readonly InventoryManifest[],
  here: ReadonlyMap<Digest, number>,
): (roots: readonly Digest[]) => Set<Digest> {
  const known = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
  const referrers = Map.groupBy(manifests, ({ subject }) => subject);
  return (roots) => {
    const reached = new Set(roots.filter((digest) => here.has(digest)));
    const reach = (digest: Digest): void => {
      if (here.has(digest)) reached.add(digest);
    };
    // A set can grow while it is walked: what is added is met later.
    for (const digest of reached) {
      const manifest = known.get(digest);
      if (!manifest) continue;
      for (const reference of manifest.references) reach(reference.digest);
      for (const referrer of referrers.get(digest) ?? []) reach(referrer.digest);
    }
    return reached;
  };
}
