import { mayList } from "../../auth/caller.ts";
import type { RepositoryName } from "../../oci/name.ts";
import { listRepositories } from "../../registry/catalog.ts";
import type { Handler } from "../exchange.ts";
import { requestedPage } from "../query.ts";
import { json, nextLink } from "../reply.ts";

const USUAL = 1000;
const MOST = 10_000;

/** What the caller may know of, and nothing else: full pages of it, and a Link that names nothing else. */
export const getCatalog: Handler = async ({ query, caller, registry, publicUrl }) => {
  const page = requestedPage(query, USUAL, MOST);
  const visible = caller.mayEverywhere("pull")
    ? null
    : (name: RepositoryName): boolean => mayList(caller, name);
  const { items, next } = await listRepositories(page, visible, registry);
  const link =
    next === null
      ? {}
      : nextLink(`${publicUrl}/v2/_catalog`, { n: String(page.limit), last: next });
  return json({ repositories: items }, link);
};
