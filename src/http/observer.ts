import type { Caller } from "../auth/caller.ts";
import type { Route } from "./routes.ts";

/** One request and what became of it. */
export interface Visit {
  readonly request: Request;
  /** Of the client: the connection's, or what a trusted proxy says. */
  readonly address: string;
  /** What a trusted proxy says that the client has used, as it says it; null: nothing. */
  readonly scheme: string | null;
  /** As it came, without the query: tokens may travel there. */
  readonly path: string;
  /** Null: no such route. */
  readonly route: Route | null;
  /** Null: refused before anybody asked. */
  readonly caller: Caller | null;
  readonly status: number;
  /** From the request's arrival to the answer's head, in milliseconds. */
  readonly ms: number;
  /** Bytes of the request's body and of the answer's, as Content-Length announced them; 0: nothing was said. */
  readonly received: number;
  readonly sent: number;
}

/** Hears of every request when its answer's head is ready; the body may still be under way. Never throws. */
export interface Observer {
  answered(visit: Visit, response: Response): void;
}
