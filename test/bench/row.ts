/** A row of the benchmark: what it measures, and how good is good enough. */
import type { Clients } from "./load.ts";
import type { Program, Server } from "./servers.ts";

/** Against the other registry, or in the row's own unit. */
export type Target =
  | { readonly atLeast: number }
  | { readonly atMost: number }
  | { readonly below: number };

export interface Run {
  readonly clients: Clients;
  readonly server: Server;
  /** Stops the server and starts it again on the same data; `server` is the new one. */
  restart(): Promise<Server>;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly target: Target;
  measure(run: Run): Promise<number>;
}

export interface Group {
  readonly rows: readonly Row[];
  /** Rounds, where the figure is steady and the round long. */
  readonly rounds?: number;
  /** Free disk space that one server needs in one round, in bytes. */
  readonly space: number;
  /** Who runs, where it is not ours against theirs. */
  programs?(ours: Program): { readonly ours: Program; readonly theirs: Program };
  /** Fills the data folder before the server is started; `shared` is a folder that all rounds see. */
  prepare?(data: string, shared: string): Promise<void>;
}
