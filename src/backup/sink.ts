import type { BackupDocument } from "./document.ts";

/** What a file of a backup is. */
export interface SinkEntry {
  /** As in a data folder. */
  readonly path: string;
  readonly size: number;
  /** UTC milliseconds. */
  readonly modifiedAt: number;
  /** Only its owner may read it. */
  readonly secret?: boolean;
}

export type Body = Uint8Array | AsyncIterable<Uint8Array>;

/**
 * Where a backup goes. Nothing of it looks like a backup before `finish` has resolved; whoever opened it
 * ends with `finish` or with `abandon`.
 */
export interface Sink {
  /** Comes first. `list`: the file that has the list of the set. */
  begin(
    document: BackupDocument,
    list: { readonly path: string; readonly size: number },
  ): Promise<void>;
  /** Whether a file of this size is there from an earlier try, and need not be added. */
  has(path: string, size: number): Promise<boolean>;
  /** The body has as many bytes as the entry says. Rejects with what the body throws. */
  add(entry: SinkEntry, body: Body): Promise<void>;
  /** Puts it in its place. When this resolves it is on stable storage. */
  finish(): Promise<void>;
  /** Leaves nothing behind but what another try can go on with. */
  abandon(): Promise<void>;
}
