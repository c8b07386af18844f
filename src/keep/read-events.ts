import { isDigest } from "../oci/digest.ts";
import { isRecord } from "../oci/json.ts";
import { isRepositoryName } from "../oci/name.ts";
import { isTag } from "../oci/reference.ts";
import { JsonError, parseStrictJson } from "../oci/strict-json.ts";
import type { Delivery, KeepEvent } from "./events.ts";
import { isHarbor, readHarbor } from "./read-harbor.ts";

/** Why a body is no delivery, in words for the one who sent it. */
export class DeliveryError extends Error {}

/** More than any registry sends at once. */
export const MOST_EVENTS = 10_000;

/**
 * Reads the body of a notification: the envelope of the distribution registry, which is ours too, or what
 * Harbor's webhooks post, in either of its formats. Throws DeliveryError for what is no JSON, or none of
 * these. Single events that cannot be understood are passed over: a registry would send them again for ever.
 */
export function readDelivery(bytes: Uint8Array): Delivery {
  const body = parse(bytes);
  if (isHarbor(body)) return readHarbor(body);
  const { events } = body;
  if (!Array.isArray(events)) throw new DeliveryError("it has no list of events");
  if (events.length > MOST_EVENTS)
    throw new DeliveryError(`it has more than ${MOST_EVENTS} events`);
  const read = events.map(readEvent);
  const understood = read.filter((event) => event !== null);
  return { events: understood, passed: read.length - understood.length };
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const body = parseStrictJson(bytes);
    if (isRecord(body)) return body;
  } catch (error) {
    if (error instanceof JsonError) throw new DeliveryError(error.message);
    throw error;
  }
  throw new DeliveryError("it is not a JSON object");
}

const BLOBS = /octet-stream|\.layer\.|\.rootfs\.|\.container\.image\.|\.image\.config\./;

function readEvent(event: unknown): KeepEvent | null {
  if (!isRecord(event)) return null;
  const target = isRecord(event["target"]) ? event["target"] : {};
  const request = isRecord(event["request"]) ? event["request"] : {};
  const source = isRecord(event["source"]) ? event["source"] : {};
  const { action } = event;
  const { repository, tag, digest, mediaType, url } = target;
  if (typeof repository !== "string" || !isRepositoryName(repository)) return null;
  // A delete has no media type, and of a blob it makes garbage as well.
  if (action === "delete") return { ...common(), action, tag: null, digest: null };
  if (action !== "push" && action !== "pull") return null;
  const ofBlob =
    (typeof url === "string" && url.includes("/blobs/")) ||
    (typeof mediaType === "string" && BLOBS.test(mediaType));
  if (ofBlob) return null;
  return {
    ...common(),
    action,
    tag: typeof tag === "string" && isTag(tag) ? tag : null,
    digest: typeof digest === "string" && isDigest(digest) ? digest : null,
  };

  function common(): Omit<KeepEvent, "action" | "tag" | "digest"> {
    return {
      repository: repository as KeepEvent["repository"],
      at: timeIn(event as Readonly<Record<string, unknown>>, "timestamp"),
      method: text(request["method"]) || "GET",
      agent: text(request["useragent"]),
      hosts: [hostIn(url), text(request["host"]), text(source["addr"])].filter(Boolean),
    };
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 1000) : "";
}

function hostIn(url: unknown): string {
  return (typeof url === "string" ? URL.parse(url)?.host : undefined) ?? "";
}

/** UTC milliseconds of an RFC 3339 time, with as many digits of a second as Go writes. */
function timeIn(event: Readonly<Record<string, unknown>>, key: string): number | null {
  const value = event[key];
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}
