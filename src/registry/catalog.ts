import type { Page } from "../metadata/metadata.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Paged, cutPage } from "./pages.ts";
import type { Registry } from "./registry.ts";

/** Repository names in ASCII order (Docker registry API, "Listing Repositories"). */
export async function listRepositories(
  { last, limit }: Page,
  { metadata }: Registry,
): Promise<Paged<RepositoryName>> {
  const names = await metadata.listRepositories({ last, limit: limit + 1 });
  return cutPage(names, limit, (name) => name);
}
