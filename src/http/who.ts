import { randomUUID } from "node:crypto";
import type { Who } from "../metadata/event.ts";
import type { Exchange } from "./exchange.ts";

/** Who sent this request, for those who are told of what it changed. */
export function whoAsks({ request, address, caller, registry }: Exchange): Who {
  return {
    at: registry.now(),
    requestId: randomUUID(),
    actor: caller.name,
    address,
    host: request.headers.get("host") ?? "",
    method: request.method,
    agent: request.headers.get("user-agent") ?? "",
  };
}
