import { type ModelDisk, newDisk } from "./disk.ts";

/**
 * All there is to know of one blob in a small world of two repositories: what the tables say, what lies
 * on the disk, what the process holds in memory, and how far everybody has come.
 *
 * Values only: a step copies the state and changes the copy, so a state is found again by its text.
 */
export interface State {
  /** Tables: durable with each commit. */
  row: "none" | "live" | "doomed" | "leaving";
  /** The row in the trash of the claim, while it is leaving. */
  claim: number;
  links: Record<Repository, Link>;
  /** A manifest of the repository names the blob as its layer: acknowledged, for ever. */
  needed: Record<Repository, boolean>;
  /** The blob is a manifest of `b` itself, too: its bytes are in that row. */
  own: boolean;
  /** The small blob's bytes wait here for the tree; the number is that of the journal's entry. */
  contents: number;
  journal: Entry[];
  entries: number;
  /** Rows of the trash. */
  trash: number[];
  removals: number;

  disk: ModelDisk;

  /** Memory: gone with the process. */
  coming: number;
  claiming: boolean;
  leaving: boolean;
  collector: { at: string; moved: boolean; drained: number };
  follower: { at: string; last: number; content: boolean; skip: boolean };

  /** Null: it runs. Otherwise how far the start has come. */
  starting: string | null;
  clients: Record<string, Client>;
  /** How often may this still happen. */
  left: { crashes: number; ticks: number; runs: number; purges: number };
  /** What must never be; the search stops here. */
  broken: string | null;
}

export type Repository = "a" | "b";

/** Seen longer ago than the grace and its quarter, or since. */
export type Link = "none" | "old" | "young";

export interface Entry {
  readonly id: number;
  readonly op: "link" | "unlink";
  /** `own`: the revision in `b`. */
  readonly where: Repository | "own";
}

export interface Client {
  at: string;
  /** It was told that the blob is here, less than a grace ago. */
  promised: boolean;
  /** The removal that it works on. */
  id: number;
}

export const REPOSITORIES: readonly Repository[] = ["a", "b"];

/** A layer that was pushed to `a` long ago, and that nothing there needs. */
export function forgottenLayer(clients: readonly string[], left: Partial<State["left"]>): State {
  return {
    row: "live",
    claim: 0,
    links: { a: "old", b: "none" },
    needed: { a: false, b: false },
    own: false,
    contents: 0,
    journal: [],
    entries: 0,
    trash: [],
    removals: 0,
    disk: newDisk(["place", "tree a"]),
    coming: 0,
    claiming: false,
    leaving: false,
    ...atRest(),
    starting: null,
    clients: Object.fromEntries(
      clients.map((name) => [name, { at: "begin", promised: false, id: 0 }]),
    ),
    left: { crashes: 1, ticks: 1, runs: 1, purges: 0, ...left },
    broken: null,
  };
}

export function atRest(): Pick<State, "collector" | "follower"> {
  return {
    collector: { at: "rest", moved: false, drained: 0 },
    follower: { at: "rest", last: 0, content: false, skip: false },
  };
}

export function linked(state: State): boolean {
  return state.own || REPOSITORIES.some((name) => state.links[name] !== "none");
}

export function journal(state: State, op: Entry["op"], where: Entry["where"]): number {
  state.journal.push({ id: ++state.entries, op, where });
  return state.entries;
}

/** As `linkBlob` and `mountBlob` do: whoever links a doomed blob makes it live. */
export function link(state: State, name: Repository): void {
  if (state.row !== "leaving") state.row = "live";
  if (state.links[name] === "none") journal(state, "link", name);
  state.links[name] = "young";
}

export function unlink(state: State, name: Repository): void {
  state.links[name] = "none";
  journal(state, "unlink", name);
  doomIfUnlinked(state);
}

export function doomIfUnlinked(state: State): void {
  if (!linked(state) && state.row === "live") state.row = "doomed";
}
