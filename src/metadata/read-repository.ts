import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Entry, Storage } from "../storage/storage.ts";
import {
  BLOBS,
  REPOSITORIES,
  layersPath,
  manifestsPath,
  repositoryPath,
  revisionsPath,
  tagsPath,
} from "../storage/tree.ts";
import {
  type Keep,
  type KnownRepository,
  type Mention,
  type MetadataReads,
  type RepositorySnapshot,
  UNKNOWN_REPOSITORY,
} from "./metadata.ts";
import { Doubts } from "./doubts.ts";
import { Layers } from "./read-layers.ts";
import { hasFolder, mustBeAbsent, orKeepAll } from "./read-links.ts";
import { Revisions } from "./read-revisions.ts";
import { Tags } from "./read-tags.ts";
import type { Remark } from "./tree-problem.ts";
import { hasRepositories } from "./walk-repositories.ts";

/** What is known already: the reader takes from the tree only what is different. */
export type Known = Pick<MetadataReads, "knownRepository" | "referencesOf">;

/**
 * Reads one repository from the tree, and changes nothing there. Null when it is as it is known.
 *
 * Absent is only what the medium says is not there. What is broken or cannot be read goes to `heard`,
 * and what is known of just that stays; the rest is taken as it is. Rejects when nothing of the
 * repository can be read. `hasBlobs`: whether the tree has the folder of all blobs.
 */
export async function readRepository(
  storage: Storage,
  name: RepositoryName,
  now: number,
  metadata: Known,
  heard: Remark,
  hasBlobs: () => Promise<boolean>,
): Promise<RepositorySnapshot | null> {
  const doubts = new Doubts(heard);
  const { remark } = doubts;
  const recorded = await metadata.knownRepository(name);
  const known = recorded ?? UNKNOWN_REPOSITORY;
  const blobsMustBeThere = async (): Promise<void> => {
    if (!(await hasBlobs())) throw new Error(`${BLOBS} is missing`);
  };
  const layers = new Layers(storage, name, known.blobs, doubts, blobsMustBeThere);
  const revisions = new Revisions(storage, name, known.manifests, doubts, blobsMustBeThere);
  const tags = new Tags(storage, name, known.tags, doubts);
  // A link's time can lie in the future when a clock was wrong; nothing that waits for an age would end.
  const past = (at: number): number => Math.min(at, now);

  const entries = await entriesOf(storage, repositoryPath(name));
  const below = async (): Promise<Entry[]> =>
    hasFolder(entries, "_manifests") ? await entriesOf(storage, manifestsPath(name)) : [];
  await orKeepAll(layersPath(name), layers.kept, remark, async () => {
    if (hasFolder(entries, "_layers")) await layers.read(past);
  });
  await orKeepAll(revisionsPath(name), revisions.kept, remark, async () => {
    if (hasFolder(await below(), "revisions")) await revisions.read(past, layers.sizes);
  });
  await orKeepAll(tagsPath(name), tags.kept, remark, async () => {
    if (hasFolder(await below(), "tags")) {
      await tags.read(past, (digest) => revisions.has(digest));
    }
  });

  for (const { references } of revisions.found) layers.compare(references);
  await layers.settleSuspects();
  // What a manifest needs is known since it was recorded, and looked up only when something is lost.
  const look = layers.lost
    ? async (digest: Digest) => await metadata.referencesOf(name, digest)
    : null;
  layers.remarkLost(await revisions.needed(look));

  // Before anything is forgotten: to a list, a place that is no folder is like one that is not there.
  const gone = !entries.some(({ name: part }) => part === "_layers" || part === "_manifests");
  if (gone && recorded) await mustBeGone(storage, name);
  const keep = { blobs: layers.kept.items, manifests: revisions.kept.items, tags: tags.kept.items };
  const found = { blobs: layers.found, manifests: revisions.found, tags: tags.found };
  const { hides, mentions, damages: unreadable } = doubts;
  const doubt = { unreadable, hides, mentions };
  const asKnown = isAsKnown(found, keep, recorded, gone) && isInSameDoubt(doubt, known);
  if (revisions.lost.length === 0 && asKnown) return null;
  return { name, readAt: now, ...found, keep, gone, lost: revisions.lost, ...doubt };
}

/** Also when nothing else has changed: what has become readable may be collected, and the other way round. */
function isInSameDoubt(
  found: Pick<KnownRepository, "unreadable" | "hides" | "mentions">,
  known: KnownRepository,
): boolean {
  const keys = (mentions: readonly Mention[]): string[] =>
    mentions.map(({ digest, manifest }) => `${digest} ${manifest}`);
  const [now, before] = [new Set(keys(found.mentions)), new Set(keys(known.mentions))];
  // Those of manifests hold for as long as these are there, and are not looked up each time.
  const unreadable = known.mentions.filter(({ manifest }) => manifest === null);
  return (
    found.hides === known.hides &&
    JSON.stringify(found.unreadable) === JSON.stringify(known.unreadable) &&
    now.isSubsetOf(before) &&
    keys(unreadable).every((key) => now.has(key))
  );
}

function isAsKnown(
  found: Pick<RepositorySnapshot, "blobs" | "manifests" | "tags">,
  keep: Keep,
  known: KnownRepository | null,
  gone: boolean,
): boolean {
  if (!known || gone) return !known && gone;
  if (found.blobs.length + found.manifests.length + found.tags.length > 0) return false;
  const allIn = <T>(all: ReadonlyMap<T, unknown>, kept: ReadonlySet<T> | "all"): boolean =>
    kept === "all" || [...all.keys()].every((one) => kept.has(one));
  return (
    allIn(known.blobs, keep.blobs) &&
    allIn(known.manifests, keep.manifests) &&
    allIn(known.tags, keep.tags)
  );
}

/** Throws unless the repository was removed from a tree that is there. */
async function mustBeGone(storage: Storage, name: RepositoryName): Promise<void> {
  if (!(await hasRepositories(storage))) throw new Error(`${REPOSITORIES} is missing`);
  await mustBeAbsent(storage, layersPath(name));
}

async function entriesOf(storage: Storage, folder: string): Promise<Entry[]> {
  return await Array.fromAsync(storage.list(folder));
}
