import { parseName } from "../../oci/name.ts";
import { listTagNames } from "../../registry/tags.ts";
import { type Handler, parameter } from "../exchange.ts";
import { requestedPage } from "../query.ts";
import { json, nextLink } from "../reply.ts";

/** Without `n` a client expects all tags, and many never look for a Link header. */
const ALL = 1_000_000;

export const getTags: Handler = async (exchange) => {
  const name = parseName(parameter(exchange, "name"));
  const page = requestedPage(exchange.query, ALL, ALL);
  const { items, next } = await listTagNames(name, page, exchange.registry);
  const path = `${exchange.publicUrl}/v2/${name}/tags/list`;
  const link = next === null ? {} : nextLink(path, { n: String(page.limit), last: next });
  return json({ name, tags: items }, link);
};
