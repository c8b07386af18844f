import type { Metadata } from "../metadata/metadata.ts";
import { readRepository } from "../metadata/read-repository.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Registry } from "../registry/registry.ts";
import type { Named, Repairable } from "./repairable.ts";
import { settled } from "./settled.ts";

const ALL = { blobs: "all", manifests: "all", tags: "all" } as const;

/** A registry that goes on meanwhile. Its metadata know better than the tree. */
export function repairServing({ metadata, storage, custody, now }: Registry): Repairable {
  const settle = async (): Promise<void> => await settled(metadata);
  return {
    state: "serving",
    metadata,
    storage,
    trash: metadata,
    coming: async (digest, work) => await custody.coming(digest, work),
    settle,
    follow: async (name, only) => await takeUp(name, only, { metadata, storage, settle, now }),
    now,
  };
}

/**
 * Adds to the metadata what the tree alone has, and what was named: a client may be removing something
 * else, of which the tree has the link for a moment longer. So the journal is followed first.
 */
async function takeUp(
  name: RepositoryName,
  only: Named,
  {
    metadata,
    storage,
    settle,
    now,
  }: Pick<Repairable, "storage" | "settle" | "now"> & { readonly metadata: Metadata },
): Promise<void> {
  await settle();
  const ignored = (): void => undefined;
  const snapshot = await readRepository(storage, name, now(), metadata, ignored, async () => true);
  if (!snapshot) return;
  const known = await metadata.knownRepository(name);
  const isNamed = ({ digest }: { readonly digest: (typeof snapshot.blobs)[number]["digest"] }) =>
    only === "all" || only.digests.includes(digest);
  const tags = snapshot.tags.filter(
    ({ tag }) => (only === "all" || only.tags.includes(tag)) && !known?.tags.has(tag),
  );
  await metadata.replaceRepository({
    name,
    readAt: snapshot.readAt,
    blobs: snapshot.blobs.filter(isNamed),
    manifests: snapshot.manifests.filter(isNamed),
    tags,
    keep: ALL,
  });
}
