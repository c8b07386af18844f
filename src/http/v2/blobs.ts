import type { BlobRecord } from "../../metadata/metadata.ts";
import { parseDigest } from "../../oci/digest.ts";
import { OCTET_STREAM } from "../../oci/media-types.ts";
import { parseName } from "../../oci/name.ts";
import { findBlob, openBlob, promiseBlob, removeBlob } from "../../registry/blobs.ts";
import type { ByteRange } from "../../storage/storage.ts";
import { entityTag, isKnown } from "../condition.ts";
import { type Exchange, type Handler, encodedParameter, parameter } from "../exchange.ts";
import { requestedRange } from "../range.ts";
import { COMMON, empty } from "../reply.ts";
import { whoAsks } from "../who.ts";

export const getBlob: Handler = async (exchange) => {
  const blob = await findBlob(...target(exchange), exchange.registry);
  const asked = exchange.request.headers;
  if (isKnown(asked, blob.digest)) return empty(304, headers(blob, exchange));
  const range = rangeOf(asked, blob);
  const { body } = await openBlob(blob, range ?? undefined, exchange.registry);
  if (range) {
    const part = `bytes ${range.start}-${range.end - 1}/${blob.size}`;
    return new Response(body, {
      status: 206,
      headers: {
        ...headers(blob, exchange),
        "content-range": part,
        "content-length": String(range.end - range.start),
      },
    });
  }
  // Bun applies a Range header to files by itself. One that we decided to ignore must not reach it.
  const whole = asked.has("range") && body instanceof Blob ? body.stream() : body;
  const length = String(blob.size);
  return new Response(whole, { headers: { ...headers(blob, exchange), "content-length": length } });
};

export const headBlob: Handler = async (exchange) => {
  const blob = await findBlob(...target(exchange), exchange.registry);
  await promiseBlob(blob, exchange.registry);
  if (isKnown(exchange.request.headers, blob.digest)) return empty(304, headers(blob, exchange));
  const length = String(blob.size);
  return new Response(null, { headers: { ...headers(blob, exchange), "content-length": length } });
};

export const deleteBlob: Handler = async (exchange) => {
  await removeBlob(...target(exchange), whoAsks(exchange), exchange.registry);
  return empty(202);
};

function target(exchange: Exchange) {
  const digest = encodedParameter(exchange, "digest");
  return [parseName(parameter(exchange, "name")), parseDigest(digest)] as const;
}

/** @see RFC 9110, section 13.1.5: with an If-Range that does not match, the whole blob is sent. */
function rangeOf(asked: Headers, { digest, size }: BlobRecord): ByteRange | null {
  const header = asked.get("range");
  const condition = asked.get("if-range");
  if (header === null || (condition !== null && condition !== entityTag(digest))) return null;
  return requestedRange(header, size);
}

/**
 * Whatever a blob contains, no browser shall run it as a page of this host. What somebody gets because of
 * who he is, no cache between him and us shall give to others: some keep what they may keep for a while
 * whether or not the request had credentials.
 */
function headers({ digest }: BlobRecord, { caller }: Exchange): Record<string, string> {
  const whose = caller.name !== null || caller.limited ? "private, " : "";
  return {
    ...COMMON,
    "content-type": OCTET_STREAM,
    "docker-content-digest": digest,
    etag: entityTag(digest),
    "accept-ranges": "bytes",
    "cache-control": `${whose}max-age=31536000, immutable`,
    "content-disposition": "attachment",
    "content-security-policy": "sandbox",
  };
}
