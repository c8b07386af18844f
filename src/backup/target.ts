import type { Digest } from "../oci/digest.ts";
import type { RestorePlan, TagsNow } from "./plan.ts";

/** What of a plan is not there yet. */
export interface Missing {
  readonly blobs: number;
  readonly bytes: number;
  /** Links of layers, manifests and tags; null: that is found out on the way. */
  readonly links: number | null;
}

export interface Restored {
  /** Blobs and bytes that were brought. */
  readonly blobs: number;
  readonly bytes: number;
  /** What the other side did not take: a reason for each. */
  readonly refused: readonly string[];
}

export type Bringing = (progress: {
  readonly blobs: number;
  readonly bytes: number;
  readonly of: number;
}) => void;

/** Where a set is restored to. */
export interface RestoreTarget extends AsyncDisposable {
  /** For people. */
  readonly name: string;
  tagsNow: TagsNow;
  /** Looks; changes nothing. */
  missing(plan: RestorePlan): Promise<Missing>;
  /**
   * Brings what is missing: blobs first, each compared with its digest once more, then what links them,
   * then tags. Doing it again changes nothing, so it may be cut off anywhere and repeated.
   */
  restore(plan: RestorePlan, bringing: Bringing): Promise<Restored>;
}

/** Bytes of what is restored into memory for a while: manifests, and other small blobs. */
export const SMALL = 64 * 1024;

export type Needed = ReadonlyMap<Digest, { readonly size: number; readonly source: string }>;
