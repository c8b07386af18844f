import { inParallel } from "../../metadata/in-parallel.ts";
import type { Who } from "../../metadata/event.ts";
import type { MetadataReads } from "../../metadata/metadata.ts";
import type { Tag } from "../../oci/reference.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Storage } from "../../storage/storage.ts";
import { blobPath } from "../../storage/tree.ts";
import { bringBytes, wentAway } from "./bytes.ts";
import { contentOf } from "./content.ts";
import type { LostManifest, TrashPlace, TrashView } from "./place.ts";

/** Writes that are under way together: they share commits. */
const AT_ONCE = 16;

/** What a registry of ours has, to look at. */
export function registryView(
  metadata: MetadataReads,
  storage: Storage,
  sparse: boolean,
): TrashView {
  return {
    rows: metadata,
    storage,
    sparse,
    tag: async (name, tag) => (await metadata.findManifest(name, tag))?.digest ?? null,
    manifest: (name, digest) => metadata.findManifest(name, digest),
    linked: async (name, digest) => (await metadata.findBlob(name, digest))?.size ?? null,
    async open(digest) {
      const stored = await storage.read(blobPath(digest));
      if (stored) return stored;
      const small = await metadata.readContent(digest);
      return small ? { size: small.length, body: new Blob([small]) } : null;
    },
  };
}

/**
 * A registry of ours, which may be serving. What comes back comes by the same writes as a push, so that
 * listeners hear of it, the tree follows, and it is as young as what was pushed just now.
 */
export function registryPlace(
  registry: Registry,
  { sparse, by }: { readonly sparse: boolean; readonly by: Who | null },
): TrashPlace {
  const { metadata, storage, custody, now } = registry;
  const keeping: TrashPlace["keeping"] = (digest, work) => custody.coming(digest, work);
  const lenient = sparse || registry.rules.sparse;

  const push = (manifest: LostManifest) => {
    const { digest, mediaType, bytes, subject, artifactType, annotations, references } = manifest;
    const facts = { digest, mediaType, bytes, subject, artifactType, annotations, references };
    return { ...facts, requireContent: !lenient, at: now() };
  };

  const place: TrashPlace = {
    ...registryView(metadata, storage, lenient),
    rows: metadata,
    keeping,

    async link(name, blobs) {
      await inParallel(AT_ONCE, blobs[Symbol.iterator](), async (blob) => {
        const { digest, size } = blob;
        await keeping(digest, async () => {
          await bringBytes(place, blob);
          await metadata.linkBlob(name, { digest, size }, now(), null, by);
        });
      });
    },

    async put(name, manifests) {
      await inParallel(AT_ONCE, manifests[Symbol.iterator](), async (manifest) => {
        const { missing } = await metadata.putManifest({ ...push(manifest), name, tags: [] }, by);
        if (missing[0]) throw wentAway(missing[0]);
      });
    },

    async retag(name, tags) {
      const kept: Tag[] = [];
      await inParallel(AT_ONCE, tags[Symbol.iterator](), async ({ tag, digest, from }) => {
        const manifest = await metadata.findManifest(name, digest);
        if (!manifest) throw wentAway(digest);
        const content = contentOf(manifest.bytes, manifest.mediaType);
        const tagged = { ...push({ ...content, ...manifest }), name, tags: [tag], tagsFrom: from };
        const result = await metadata.putManifest(tagged, by);
        if (result.missing[0]) throw wentAway(result.missing[0]);
        kept.push(...(result.kept ?? []));
      });
      return kept;
    },
  };
  return place;
}
