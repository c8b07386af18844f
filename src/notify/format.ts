import { createHash } from "node:crypto";
import type { Happening, Who } from "../metadata/event.ts";
import { type Digest } from "../oci/digest.ts";
import type { Descriptor } from "../oci/manifest.ts";

/** The format of the distribution registry, as registry:2 and the first registry:3 announce it. */
export const EVENTS_MEDIA_TYPE = "application/vnd.docker.distribution.events.v1+json";

/** One event as receivers know it. Fields that say nothing are left out, as there. */
export interface WireEvent {
  readonly id: string;
  /** RFC 3339. */
  readonly timestamp: string;
  readonly action: Happening["action"];
  readonly target: {
    readonly mediaType?: string;
    readonly size?: number;
    readonly digest?: Digest;
    /** The same as `size`, for old receivers. */
    readonly length?: number;
    readonly repository: string;
    readonly fromRepository?: string;
    readonly url?: string;
    readonly tag?: string;
    readonly references?: readonly WireDescriptor[];
  };
  readonly request: {
    readonly id: string;
    readonly addr: string;
    readonly host: string;
    readonly method: string;
    readonly useragent: string;
  };
  readonly actor: { readonly name?: string };
  readonly source: Source;
}

export type WireDescriptor = Pick<Descriptor, "mediaType" | "digest" | "size">;

/** Which registry sends it. */
export interface Source {
  /** Name of the machine and port. */
  readonly addr: string;
  /** Another one after each start. */
  readonly instanceID: string;
}

/** What is not in the event itself. */
export interface Setting {
  readonly source: Source;
  /** Where the API is, for a client that has used this scheme and host. */
  readonly baseUrl: (by: Pick<Who, "scheme" | "host">) => string;
}

/** Pure: the same event always becomes the same JSON. */
export function wireEvent(
  event: Happening,
  id: string,
  references: readonly WireDescriptor[] | null,
  { source, baseUrl }: Setting,
): WireEvent {
  const { action, kind, name, digest, mediaType, size, tag, from, by } = event;
  const there = digest !== null && action !== "delete";
  const path = kind === "manifest" ? "manifests" : "blobs";
  return {
    id,
    timestamp: new Date(event.at).toISOString(),
    action,
    target: {
      ...(mediaType !== null && { mediaType }),
      ...(size !== null && { size }),
      ...(digest !== null && { digest }),
      ...(size !== null && { length: size }),
      repository: name,
      ...(from !== null && { fromRepository: from }),
      ...(there && { url: `${baseUrl(by)}/v2/${name}/${path}/${digest}` }),
      ...(tag !== null && { tag }),
      ...(references !== null && references.length > 0 && { references }),
    },
    request: {
      id: by.requestId,
      addr: by.address,
      host: by.host,
      method: by.method,
      useragent: by.agent,
    },
    actor: by.actor === null ? {} : { name: by.actor },
    source,
  };
}

/** The body of a delivery. */
export function envelope(events: readonly WireEvent[]): string {
  return JSON.stringify({ events });
}

/**
 * The id of an event: the same at every attempt to deliver it, also by a later process, and another one
 * for each event of a request, and of two databases. A UUID of version 8 (RFC 9562, section 5.8).
 */
export function eventId(requestId: string, number: number): string {
  const bytes = createHash("sha256").update(`${requestId} ${number}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
