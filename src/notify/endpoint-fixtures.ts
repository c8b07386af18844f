import { schema } from "../config/schema.ts";
import type { EndpointConfig } from "./endpoint.ts";

/** An endpoint as a configuration file has it: what is not said has its default. */
export function configOf(settings: Readonly<Record<string, unknown>> = {}): EndpointConfig {
  const all = { name: "a", url: "http://127.0.0.1:1/events", ...settings };
  const [endpoint] = schema.parse({ notifications: { endpoints: [all] } }).notifications.endpoints;
  if (!endpoint) throw new Error("the schema lost it");
  return endpoint;
}
