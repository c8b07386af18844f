import type { Health } from "../../observe/health.ts";
import type { Inbox } from "../inbox.ts";
import type { Keepers } from "../keepers.ts";
import type { KeepGate } from "./gate.ts";

/** What answers are made of. */
export interface ListenerParts {
  readonly keepers: Keepers;
  readonly inbox: Inbox;
  readonly gate: KeepGate;
  readonly health: Health;
  /** The page of metrics, and its media type. */
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
  /** Hears of every answer, and of what went wrong. */
  readonly answered: (what: Answered, error: unknown) => void;
}

export interface Answered {
  readonly method: string;
  /** Null: there is no such path. Never what the client wrote. */
  readonly route: string | null;
  readonly status: number;
  readonly address: string;
}
