import { parseName } from "../../oci/name.ts";
import { parseReference } from "../../oci/reference.ts";
import { describeManifest as describe } from "../../registry/describe.ts";
import { type Handler, encodedParameter, parameter } from "../exchange.ts";
import { json } from "../reply.ts";

export const describeManifest: Handler = async (exchange) => {
  const name = parseName(parameter(exchange, "name"));
  const reference = parseReference(encodedParameter(exchange, "reference"));
  const description = await describe(name, reference, exchange.registry);
  return json({ schemaVersion: 1, name, ...description });
};
