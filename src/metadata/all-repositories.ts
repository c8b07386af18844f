import type { RepositoryName } from "../oci/name.ts";
import type { MetadataReads } from "./metadata.ts";

/** Names that are asked for at a time. */
const PAGE = 1000;

/** Every repository behind `last`, in ASCII order, page by page: what comes meanwhile behind it is met too. */
export async function* allRepositories(
  metadata: Pick<MetadataReads, "listRepositories">,
  last: string | null = null,
  limit = PAGE,
): AsyncGenerator<RepositoryName> {
  for (let after = last; ;) {
    const names: RepositoryName[] = await metadata.listRepositories({ last: after, limit });
    yield* names;
    const end = names.at(-1);
    if (end === undefined || names.length < limit) return;
    after = end;
  }
}
