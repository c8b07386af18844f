import type { Caller } from "../auth/caller.ts";
import type { TokenIssuing } from "../auth/token-issuing.ts";
import type { Operations } from "./operations.ts";
import type { Registry } from "../registry/registry.ts";
import type { Sender } from "./sender.ts";

/** One request on its way to its handler. */
export interface Exchange {
  readonly request: Request;
  /** The variable parts of the route's pattern, raw: handlers parse them with `oci/`. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly caller: Caller;
  readonly sender: Sender;
  /** What issues tokens here; null: nothing does. */
  readonly issuer: TokenIssuing | null;
  /** In it, no repository is there that the caller may not know of. */
  readonly registry: Registry;
  /** Put before the paths in Location and Link headers; "" makes them relative to the host. */
  readonly publicUrl: string;
  readonly operations: Operations;
}

export type Handler = (exchange: Exchange) => Promise<Response>;

/**
 * A digest, or what may be one, in the path. Some clients encode its colon; nothing else in it can be
 * encoded.
 */
export function encodedParameter(exchange: Exchange, name: string): string {
  return parameter(exchange, name).replace(/%3a/i, ":");
}

/** A part of the pattern that the route is known to have. */
export function parameter({ parameters }: Exchange, name: string): string {
  const value = parameters[name];
  if (value === undefined) throw new Error(`the route has no {${name}}`);
  return value;
}
