import type { TrashRecord } from "../metadata/collection.ts";
import type { Metadata, RepositorySnapshot } from "../metadata/metadata.ts";
import { TreeReader } from "../metadata/read-tree.ts";
import type { RepositoryName } from "../oci/name.ts";
import { removal } from "./repair-rows.ts";
import type { Repairable } from "./repairable.ts";

/**
 * Lets the metadata of a repository follow its tree, as every start does, here with a way back: what
 * another program has removed or moved there goes to the trash, and only then is forgotten.
 */
export async function followWithTrash(
  name: RepositoryName,
  metadata: Metadata,
  { storage, trash, now }: Pick<Repairable, "storage" | "trash" | "now">,
): Promise<void> {
  const reader = new TreeReader(metadata, now());
  const snapshot = await reader.read(name, storage);
  if (!snapshot) return;
  if (trash) {
    for await (const row of lostBy(snapshot, metadata, now())) await trash.addTrash([row]);
  }
  await reader.record(snapshot);
}

/** One manifest at a time: each may have megabytes. */
async function* lostBy(
  { name, manifests, tags, keep }: RepositorySnapshot,
  metadata: Metadata,
  at: number,
): AsyncGenerator<Omit<TrashRecord, "id">> {
  const known = await metadata.knownRepository(name);
  if (!known) return;
  const row = { ...removal(at), repository: name };
  const named = new Map(tags.map(({ tag, digest }) => [tag, digest]));
  for (const [tag, digest] of known.tags) {
    if (isIn(keep?.tags, tag) || named.get(tag) === digest) continue;
    yield { ...row, kind: "tag", tag, digest, size: 0, mediaType: null, bytes: null };
  }
  const found = new Set(manifests.map(({ digest }) => digest));
  for (const digest of known.manifests.keys()) {
    if (isIn(keep?.manifests, digest) || found.has(digest)) continue;
    const manifest = await metadata.findManifest(name, digest);
    if (!manifest) continue;
    const { bytes, mediaType } = manifest;
    yield { ...row, kind: "manifest", tag: null, digest, size: bytes.length, mediaType, bytes };
  }
}

function isIn<T>(kept: ReadonlySet<T> | "all" | undefined, one: T): boolean {
  return kept === "all" || (kept?.has(one) ?? false);
}
