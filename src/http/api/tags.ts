import { parseName } from "../../oci/name.ts";
import { describeTags as describe } from "../../registry/describe.ts";
import { type Handler, parameter } from "../exchange.ts";
import { requestedPage } from "../query.ts";
import { json } from "../reply.ts";

const USUAL = 100;
const MOST = 1000;

/** Tags with what they name. `next`: the `last` of the following page, or null. */
export const describeTags: Handler = async (exchange) => {
  const name = parseName(parameter(exchange, "name"));
  const page = requestedPage(exchange.query, USUAL, MOST);
  const { items, next } = await describe(name, page, exchange.registry);
  return json({ schemaVersion: 1, name, tags: items, next });
};
