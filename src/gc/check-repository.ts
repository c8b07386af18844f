import { inParallel } from "../metadata/in-parallel.ts";
import type { BlobRecord, ManifestRecord, ReferenceRecord } from "../metadata/metadata.ts";
import { paged } from "../metadata/paged.ts";
import { LOOKS } from "../metadata/read-links.ts";
import { readStoredManifest } from "../metadata/stored-manifest.ts";
import { type Digest, algorithmOf, digestOf } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import { parseManifest, requirements } from "../oci/manifest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { blobPath } from "../storage/tree.ts";
import type { Checkable, Known } from "./checkable.ts";
import { compareTree } from "./check-tree.ts";
import type { Checked, Damage, Finding } from "./finding.ts";
import { imagesThatNeed } from "./images.ts";

export interface CheckSettings {
  readonly sparse: boolean;
  /** Blobs whose bytes are known to be wrong. */
  readonly damaged: ReadonlySet<Digest>;
  /** The tree of this repository is known to lag behind. */
  readonly ignoreTree: boolean;
}

const BLOBS_AT_ONCE = 1000;
/** With their bytes; most have some kilobytes, and none more than eight megabytes. */
const MANIFESTS_AT_ONCE = 16;

/** All findings in one repository. Rejects when the medium fails. */
export async function checkRepository(
  name: RepositoryName,
  what: Checkable,
  settings: CheckSettings,
  counts: Checked | null,
): Promise<Finding[]> {
  const damage = new Map<Digest, Damage>();
  const findings: Finding[] = [];
  const add = (kind: Finding["kind"], digest: Digest | null, found: Damage): void => {
    findings.push({ kind, repository: name, images: [], digest, ...found });
  };
  const known: Known = {
    blobs: await checkBlobs(name, what, settings, damage),
    manifests: new Set(),
    tags: new Map(),
  };
  const missing: Missing = new Map();
  for await (const manifest of manifestsOf(name, what)) {
    known.manifests.add(manifest.digest);
    const problem = await checkManifest(name, manifest, known.blobs, what, missing);
    if (problem !== null) damage.set(manifest.digest, { cause: "row", path: null, problem });
    else if (!settings.ignoreTree) {
      const lost = await checkFile(manifest.digest, manifest.bytes.length, what, settings.damaged);
      if (lost) add("tree", manifest.digest, lost);
    }
  }
  for (const [digest, { by, role }] of missing) {
    if (settings.sparse || known.blobs.has(digest) || known.manifests.has(digest)) continue;
    damage.set(digest, {
      cause: role === "child" ? "no-manifest" : "no-blob",
      path: null,
      problem: `this repository does not have it, and ${by} names it`,
    });
  }
  for await (const { tag, digest } of tagsOf(name, what)) {
    known.tags.set(tag, digest);
    if (known.manifests.has(digest) || damage.has(digest)) continue;
    const problem = "this repository does not have the manifest";
    damage.set(digest, { cause: "no-manifest", path: null, problem });
  }
  if (!settings.ignoreTree)
    await compareTree(name, known, what, (...found) => add(...found), findings);
  if (counts) {
    counts.blobs += known.blobs.size;
    counts.manifests += known.manifests.size;
    counts.tags += known.tags.size;
  }
  if (damage.size === 0) return findings;
  const images = await imagesThatNeed(new Set(damage.keys()), name, known, what.metadata);
  for (const [digest, found] of damage) {
    const needed = images.get(digest) ?? [];
    const kind = needed.length > 0 ? "broken" : "unused";
    findings.push({ kind, repository: name, images: needed, digest, ...found });
  }
  return findings;
}

/** Every blob that the repository links, with its size; those that are not whole go to `damage`. */
async function checkBlobs(
  name: RepositoryName,
  what: Checkable,
  { damaged }: CheckSettings,
  damage: Map<Digest, Damage>,
): Promise<Map<Digest, number>> {
  const sizes = new Map<Digest, number>();
  const page = { last: null, limit: BLOBS_AT_ONCE };
  const all = paged(page, (next) => what.metadata.listBlobs(name, next), digestIn);
  await inParallel(LOOKS, all, async ({ digest, size }: BlobRecord) => {
    sizes.set(digest, size);
    const lost = await checkFile(digest, size, what, damaged);
    if (lost) damage.set(digest, lost);
  });
  return sizes;
}

function digestIn({ digest }: { readonly digest: Digest }): string {
  return digest;
}

/** Null when the bytes are where they should be, or in the metadata until the tree has followed. */
async function checkFile(
  digest: Digest,
  size: number,
  { storage, metadata }: Checkable,
  damaged: ReadonlySet<Digest>,
): Promise<Damage | null> {
  const path = blobPath(digest);
  if (damaged.has(digest)) {
    return { cause: "bytes", path, problem: "its bytes are not those of its digest" };
  }
  const found = await storage.stat(path);
  if (found?.size === size) return null;
  if ((await metadata.readContent(digest))?.length === size) return null;
  const problem = found ? `it has ${found.size} bytes instead of ${size}` : "its bytes are missing";
  return { cause: "bytes", path, problem };
}

/** What manifests name and the repository does not have, with one that does so. */
type Missing = Map<Digest, { readonly by: Digest; readonly role: ReferenceRecord["role"] }>;

/** What is wrong with the manifest itself; what it names goes to `missing` where it is not linked. */
async function checkManifest(
  name: RepositoryName,
  { digest, bytes, mediaType }: ManifestRecord,
  sizes: ReadonlyMap<Digest, number>,
  { metadata }: Checkable,
  missing: Missing,
): Promise<string | null> {
  if (digestOf(bytes, algorithmOf(digest)) !== digest) {
    return "the metadata has bytes for it that are not those of its digest";
  }
  const references = namedBy(bytes, mediaType, sizes);
  if (!references) return "it is not a manifest that can be read";
  const recorded = await metadata.referencesOf(name, digest);
  const known = new Set(recorded.map((reference) => `${reference.role} ${reference.digest}`));
  for (const reference of references) {
    if (!sizes.has(reference.digest)) {
      missing.set(reference.digest, { by: digest, role: reference.role });
    }
    if (known.has(`${reference.role} ${reference.digest}`)) continue;
    return `the metadata does not know that it names ${reference.digest}`;
  }
  return null;
}

/** As it was read when it was pushed, or when the tree was taken over. */
function namedBy(
  bytes: Uint8Array,
  mediaType: string,
  sizes: ReadonlyMap<Digest, number>,
): readonly Pick<ReferenceRecord, "role" | "digest">[] | null {
  try {
    return requirements(parseManifest(bytes, mediaType)).filter(({ required }) => required);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return readStoredManifest(bytes, sizes, () => undefined)?.references ?? null;
  }
}

function manifestsOf(name: RepositoryName, { metadata }: Checkable) {
  const page = { last: null, limit: MANIFESTS_AT_ONCE };
  return paged(page, (next) => metadata.listManifests(name, next), digestIn);
}

function tagsOf(name: RepositoryName, { metadata }: Checkable) {
  const page = { last: null, limit: BLOBS_AT_ONCE };
  return paged(
    page,
    (next) => metadata.listTags(name, next),
    ({ tag }) => tag,
  );
}
