/** A row of the benchmark: what it measures, and how good is good enough. */
import type { Tool, Tools } from "./commands.ts";
import type { Clients } from "./load.ts";
import type { Program, Server } from "./servers.ts";

/** Against the other registry, or in the row's own unit, or none: a figure to compare others with. */
export type Target =
  | { readonly atLeast: number }
  | { readonly atMost: number }
  | { readonly below: number }
  | { readonly none: true };

/** In each round ours comes first. */
export type Side = "ours" | "theirs";

export interface Run {
  readonly clients: Clients;
  readonly server: Server;
  readonly side: Side;
  /** Stops the server and starts it again on the same data; `server` is the new one. */
  restart(): Promise<Server>;
}

/** What rows of commands get: nothing runs but what they start. */
export interface CommandRun {
  readonly clients: Clients;
  readonly tool: Tool;
  readonly data: string;
}

export interface Line {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly target: Target;
}

export interface Row<R = Run> extends Line {
  measure(run: R): Promise<number>;
}

interface AnyGroup<R> {
  readonly rows: readonly Row<R>[];
  /** Rounds, where the figure is steady and the round long. */
  readonly rounds?: number;
  /** Free disk space that one side needs in one round, in bytes. */
  readonly space: number;
  /** Fills the data folder before anything is started; `shared` is a folder that all rounds see. */
  prepare?(data: string, shared: string, side: Side): Promise<void>;
}

export interface ServerGroup extends AnyGroup<Run> {
  /** Who runs, where it is not ours against theirs. */
  programs?(ours: Program): Readonly<Record<Side, Program>>;
}

/** Commands on a folder that no server has open. */
export interface CommandGroup extends AnyGroup<CommandRun> {
  readonly tools: Tools;
}

export type Group = ServerGroup | CommandGroup;

/** A group with its rows up to the last that is wanted: those before it make what it works on. */
export function upTo(group: Group, isWanted: (name: string) => boolean): Group {
  return "tools" in group
    ? { ...group, rows: first(group.rows, isWanted) }
    : { ...group, rows: first(group.rows, isWanted) };
}

function first<R>(rows: readonly Row<R>[], isWanted: (name: string) => boolean): Row<R>[] {
  return rows.slice(0, rows.findLastIndex(({ name }) => isWanted(name)) + 1);
}
