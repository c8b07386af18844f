import { listRepositories } from "../../registry/catalog.ts";
import type { Handler } from "../exchange.ts";
import { requestedPage } from "../query.ts";
import { json, nextLink } from "../reply.ts";

const USUAL = 1000;
const MOST = 10_000;

export const getCatalog: Handler = async ({ query, registry, publicUrl }) => {
  const page = requestedPage(query, USUAL, MOST);
  const { items, next } = await listRepositories(page, registry);
  const link =
    next === null
      ? {}
      : nextLink(`${publicUrl}/v2/_catalog`, { n: String(page.limit), last: next });
  return json({ repositories: items }, link);
};
