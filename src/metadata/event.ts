import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";

/** Who asked for something, and how: what those who are told of it learn about its origin. */
export interface Who {
  /** When he asked, UTC milliseconds. */
  readonly at: number;
  /** A UUID, one for each request. */
  readonly requestId: string;
  /** Null: nobody has said who he is. */
  readonly actor: string | null;
  /** Of the client, as far as it is known. */
  readonly address: string;
  readonly scheme: "http" | "https";
  /** The Host header. */
  readonly host: string;
  readonly method: string;
  readonly agent: string;
  /** Nobody wants to hear of what he asked for: it makes no event, and he is named only in the trash. */
  readonly unheard?: true;
}

/** Something that happened to a manifest, a blob or a tag: the facts, in no format yet. */
export interface Happening {
  readonly action: "push" | "pull" | "mount" | "delete";
  readonly kind: "manifest" | "blob" | "tag";
  /** UTC milliseconds. */
  readonly at: number;
  readonly name: RepositoryName;
  /** Null for a tag that was deleted: what it named may live on. */
  readonly digest: Digest | null;
  /** Null where something was deleted. */
  readonly mediaType: string | null;
  /** Bytes; null where something was deleted. */
  readonly size: number | null;
  readonly tag: Tag | null;
  /** Of a mount: the repository that had the blob. */
  readonly from: RepositoryName | null;
  readonly by: Who;
}

export interface EventRecord {
  /** Grows with every event; never used twice. */
  readonly id: number;
  readonly event: Happening;
}

/** How far an endpoint has come: it has heard of the event with this id, and of all before it. */
export interface EventCursor {
  readonly endpoint: string;
  readonly eventId: number;
}

/**
 * Which events go first when there are too many, the lowest: a blob says little without its manifest,
 * and what was deleted can not be found out later by looking.
 */
export function rankOf({ action, kind }: Happening): number {
  if (kind === "blob") return 0;
  return action === "delete" ? 2 : 1;
}
