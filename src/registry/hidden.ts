import type { Seen } from "../metadata/collection.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Registry } from "./registry.ts";

/** The grammar of names does not have it, so no repository is ever called so. */
const NOWHERE = "" as RepositoryName;

/** Methods about one repository: the compiler misses one that is left out below. */
type AboutRepository = {
  [K in keyof Metadata]: Parameters<Metadata[K]> extends [RepositoryName, ...unknown[]] ? K : never;
}[keyof Metadata];

/**
 * The same registry, for somebody to whom none of its repositories exists.
 *
 * Every question is asked as before, about a repository that cannot be there. So what comes out, and how
 * long it takes, is what it is for a name that nobody has pushed to.
 */
export function hideRepositories(registry: Registry): Registry {
  const { metadata } = registry;
  const nowhere: Pick<Metadata, AboutRepository> = {
    findManifest: (_, ...rest) => metadata.findManifest(NOWHERE, ...rest),
    findBlob: (_, ...rest) => metadata.findBlob(NOWHERE, ...rest),
    hasRepository: (_, ...rest) => metadata.hasRepository(NOWHERE, ...rest),
    knownRepository: (_, ...rest) => metadata.knownRepository(NOWHERE, ...rest),
    listTags: (_, ...rest) => metadata.listTags(NOWHERE, ...rest),
    listTagNames: (_, ...rest) => metadata.listTagNames(NOWHERE, ...rest),
    listReferrers: (_, ...rest) => metadata.listReferrers(NOWHERE, ...rest),
    listManifests: (_, ...rest) => metadata.listManifests(NOWHERE, ...rest),
    listBlobs: (_, ...rest) => metadata.listBlobs(NOWHERE, ...rest),
    tagsOf: (_, ...rest) => metadata.tagsOf(NOWHERE, ...rest),
    referencesOf: (_, ...rest) => metadata.referencesOf(NOWHERE, ...rest),
    recordsOf: (_, ...rest) => metadata.recordsOf(NOWHERE, ...rest),
    retentionRecordsOf: (_, ...rest) => metadata.retentionRecordsOf(NOWHERE, ...rest),
    lineageOf: (_, ...rest) => metadata.lineageOf(NOWHERE, ...rest),
    clear: (_, ...rest) => metadata.clear(NOWHERE, ...rest),
    reviewRepository: (_, ...rest) => metadata.reviewRepository(NOWHERE, ...rest),
    unlinkBlob: (_, ...rest) => metadata.unlinkBlob(NOWHERE, ...rest),
    removeTag: (_, ...rest) => metadata.removeTag(NOWHERE, ...rest),
    removeManifest: (_, ...rest) => metadata.removeManifest(NOWHERE, ...rest),
    linkBlob: refuse,
    mountBlob: refuse,
  };
  return {
    ...registry,
    metadata: { ...metadata, ...nowhere, putManifest: refuse, see: seesNothing },
  };
}

async function seesNothing(seen: readonly Seen[]): Promise<boolean[]> {
  return seen.map(() => false);
}

/** Who gets here may not push, and was told so before. */
async function refuse(): Promise<never> {
  throw new Error("a repository that is hidden was to be written to");
}
