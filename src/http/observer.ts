import type { Caller } from "../auth/caller.ts";
import type { Route } from "./routes.ts";
import type { Sender } from "./sender.ts";

/** One request and what became of it. */
export interface Visit {
  readonly request: Request;
  readonly sender: Sender;
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
