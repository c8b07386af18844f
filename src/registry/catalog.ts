import { setImmediate } from "node:timers/promises";
import type { Page } from "../metadata/metadata.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Paged, cutPage } from "./pages.ts";
import type { Registry } from "./registry.ts";

/** So many names are looked at before others get a turn. */
const AT_ONCE = 200;

/**
 * Repository names in ASCII order (Docker registry API, "Listing Repositories"): those that `visible` says
 * yes to; null: all. A page is full unless it is the last.
 */
export async function listRepositories(
  { last, limit }: Page,
  visible: ((name: RepositoryName) => boolean) | null,
  { metadata }: Registry,
): Promise<Paged<RepositoryName>> {
  const wanted = limit + 1;
  if (visible === null) {
    return cutPage(await metadata.listRepositories({ last, limit: wanted }), limit, same);
  }
  const found: RepositoryName[] = [];
  let from = last;
  while (found.length < wanted) {
    const some = await metadata.listRepositories({ last: from, limit: AT_ONCE });
    found.push(...some.filter(visible));
    from = some.at(-1) ?? null;
    if (some.length < AT_ONCE) break;
    await setImmediate();
  }
  return cutPage(found.slice(0, wanted), limit, same);
}

function same(name: RepositoryName): string {
  return name;
}
