import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";

/** One thing that a registry tells of, in whichever format it came. */
export interface KeepEvent {
  readonly action: "push" | "pull" | "delete";
  readonly repository: RepositoryName;
  /** Null: of a pull by digest, of a push without a tag. */
  readonly tag: Tag | null;
  readonly digest: Digest | null;
  /** As the sender says; null: not readably. UTC milliseconds. */
  readonly at: number | null;
  /** Of a request for it, as far as the sender tells; otherwise as of a GET by nobody. */
  readonly method: string;
  readonly agent: string;
  /** Hosts by which the registry may be known, as `HOST[:PORT]`. */
  readonly hosts: readonly string[];
}

/** What one delivery holds. */
export interface Delivery {
  readonly events: readonly KeepEvent[];
  /** Events about blobs, of other kinds, or that cannot be understood: nothing follows from them. */
  readonly passed: number;
}

/** How late an event may come and still be believed when it says that it happened before. */
const LATE_MS = 24 * 3_600_000;

/**
 * When it happened. The later is the safer for pushes and pulls: so a time that lies in the future, or too
 * long ago, becomes that of the arrival. Pure.
 */
export function timeOf({ at }: Pick<KeepEvent, "at">, arrived: number): number {
  return at !== null && at <= arrived && at >= arrived - LATE_MS ? at : arrived;
}
