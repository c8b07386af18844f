import type { RepositoryName } from "../oci/name.ts";
import type { RepositoryChanges, RepositorySnapshot } from "./metadata.ts";
import type { ReadReport } from "./read-tree.ts";
import type { TreeProblem } from "./tree-problem.ts";

/** What the thread that reads the tree and the main thread say to each other. */

export interface ScanPlace {
  readonly database: string;
  readonly folder: string;
  /** UTC milliseconds. */
  readonly now: number;
  /** Not compared: the tree has not followed yet what was changed in these. */
  readonly except: ReadonlySet<RepositoryName>;
}

export type ScanRequest =
  | ScanPlace
  /** A client waits for this one. `hold`: it will change it, so that it must never be read after this. */
  | { readonly first: RepositoryName; readonly hold: boolean }
  /** The answer to `record`; null when it failed. */
  | { readonly recorded: number; readonly changes: RepositoryChanges | null }
  | "stop";

export type ScanReply =
  /** The repositories that the tree had at the start, in ASCII order. */
  | { readonly listed: readonly RepositoryName[] }
  | { readonly record: number; readonly snapshot: RepositorySnapshot }
  /** It says what the tree says. `held`: it will not be read again. */
  | { readonly done: RepositoryName; readonly held: boolean }
  /** It could not be recorded; it will be read again. */
  | { readonly failed: RepositoryName }
  | { readonly problems: readonly TreeProblem[] }
  | { readonly end: ReadReport }
  /** It cannot go on. */
  | { readonly broken: string }
  | "stopped";
