import { randomUUID } from "node:crypto";
import type { Who } from "../metadata/event.ts";
import type { Exchange } from "./exchange.ts";
import type { Sender } from "./sender.ts";

/** Of what clients say of themselves; it is kept for each change, and could be as long as a head may be. */
const MOST_CHARACTERS = 512;

/** Who sent this request, for those who are told of what it changed. */
export function whoAsks(exchange: Exchange): Who {
  return whoSent(exchange, exchange.caller.name, exchange.registry.now());
}

/** `at` in UTC milliseconds. */
export function whoSent(
  {
    request,
    sender,
  }: { readonly request: Request; readonly sender: Pick<Sender, "address" | "scheme"> },
  actor: string | null,
  at: number,
): Who {
  const { address, scheme } = sender;
  const secure = scheme === null ? request.url.startsWith("https:") : scheme === "https";
  const said = (header: string): string =>
    (request.headers.get(header) ?? "").slice(0, MOST_CHARACTERS);
  return {
    at,
    requestId: randomUUID(),
    actor,
    address,
    scheme: secure ? "https" : "http",
    host: said("host"),
    method: request.method,
    agent: said("user-agent"),
  };
}
