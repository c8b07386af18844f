import { randomUUID } from "node:crypto";
import type { Who } from "../metadata/event.ts";
import type { Exchange } from "./exchange.ts";

/** Of what clients say of themselves; it is kept for each change, and could be as long as a head may be. */
const MOST_CHARACTERS = 512;

/** Who sent this request, for those who are told of what it changed. */
export function whoAsks({ request, address, caller, registry }: Exchange): Who {
  return whoSent(request, address, caller.name, registry.now());
}

/** `at` in UTC milliseconds. */
export function whoSent(request: Request, address: string, actor: string | null, at: number): Who {
  const said = (header: string): string =>
    (request.headers.get(header) ?? "").slice(0, MOST_CHARACTERS);
  return {
    at,
    requestId: randomUUID(),
    actor,
    address,
    host: said("host"),
    method: request.method,
    agent: said("user-agent"),
  };
}
