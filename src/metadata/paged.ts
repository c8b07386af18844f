import type { RepositoryName } from "../oci/name.ts";
import type { BlobRecord, MetadataReads, Page } from "./metadata.ts";

/**
 * All of a listing that is read in pages: behind `last`, `limit` at a time. `keyOf`: what the next page
 * begins behind. What comes meanwhile behind that is met too, and others get a turn after each page.
 */
export async function* paged<T>(
  { last, limit }: Page,
  read: (page: Page) => Promise<readonly T[] | null>,
  keyOf: (item: T) => string,
): AsyncGenerator<T> {
  for (let after = last; ;) {
    const page = (await read({ last: after, limit })) ?? [];
    yield* page;
    const end = page.at(-1);
    if (end === undefined || page.length < limit) return;
    after = keyOf(end);
    await new Promise(setImmediate);
  }
}

/** Names of repositories are short, so many of them make a page. */
const ALL: Page = { last: null, limit: 1000 };

/** Every repository behind `last`, in ASCII order. */
export function allRepositories(
  metadata: Pick<MetadataReads, "listRepositories">,
  page: Page = ALL,
): AsyncGenerator<RepositoryName> {
  return paged(
    page,
    (next) => metadata.listRepositories(next),
    (name) => name,
  );
}

/** Blobs looked at at a time: most are linked, so a page may have none to show. */
const UNLINKED_AT_ONCE = 500;

/** Every live blob that no repository links or has as a manifest, some at a time. */
export async function* allUnlinked(
  metadata: Pick<MetadataReads, "listUnlinked">,
): AsyncGenerator<readonly BlobRecord[]> {
  for (let last: string | null = null; ;) {
    const { blobs, next } = await metadata.listUnlinked({ last, limit: UNLINKED_AT_ONCE });
    if (blobs.length > 0) yield blobs;
    if (next === null) return;
    last = next;
    await new Promise(setImmediate);
  }
}
