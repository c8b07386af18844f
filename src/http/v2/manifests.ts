import type { ManifestRecord } from "../../metadata/metadata.ts";
import { RegistryError } from "../../oci/errors.ts";
import { parseName } from "../../oci/name.ts";
import { isDigestReference, parseReference, parseTag } from "../../oci/reference.ts";
import {
  notePull,
  promiseManifest,
  putManifest as storeManifest,
  removeManifest,
} from "../../registry/manifests.ts";
import { removeTag } from "../../registry/tags.ts";
import { readBody } from "../body.ts";
import { entityTag, isKnown } from "../condition.ts";
import { type Exchange, type Handler, encodedParameter, parameter } from "../exchange.ts";
import { COMMON, empty } from "../reply.ts";
import { whoAsks } from "../who.ts";

/** Enough for any release script; each is written in the same transaction. */
const MOST_TAGS = 100;

export const getManifest: Handler = async (exchange) => {
  const manifest = await find(exchange);
  if (isKnown(exchange.request.headers, manifest.digest)) return empty(304, headers(manifest));
  return new Response(manifest.bytes, { headers: whole(manifest) });
};

export const headManifest: Handler = async (exchange) => {
  const manifest = await find(exchange);
  if (isKnown(exchange.request.headers, manifest.digest)) return empty(304, headers(manifest));
  return new Response(null, { headers: whole(manifest) });
};

export const putManifest: Handler = async (exchange) => {
  const { request, query, registry, publicUrl } = exchange;
  const { name, reference } = target(exchange);
  const tags = query.getAll("tag").map(parseTag);
  if (tags.length > MOST_TAGS) {
    throw new RegistryError("PARAMETER_INVALID", {
      reason: `tag: at most ${MOST_TAGS} in a request`,
    });
  }
  const push = {
    name,
    reference,
    tags,
    contentType: request.headers.get("content-type"),
    bytes: await readBody(request, registry.rules.maxManifestSize),
  };
  const { digest, subject } = await storeManifest(push, whoAsks(exchange), registry);
  return empty(201, {
    location: `${publicUrl}/v2/${name}/manifests/${digest}`,
    "docker-content-digest": digest,
    ...(subject && { "oci-subject": subject }),
    ...(tags.length > 0 && { "oci-tag": tags.join(", ") }),
  });
};

/** By digest the manifest goes, and every tag on it; by tag only the tag. */
export const deleteManifest: Handler = async (exchange) => {
  const { name, reference } = target(exchange);
  const { registry } = exchange;
  const by = whoAsks(exchange);
  if (isDigestReference(reference)) await removeManifest(name, reference, by, registry);
  else await removeTag(name, reference, by, registry);
  return empty(202);
};

async function find(exchange: Exchange): Promise<ManifestRecord> {
  const { name, reference } = target(exchange);
  const { request, registry } = exchange;
  const manifest = await promiseManifest(name, reference, registry);
  notePull(name, manifest.digest, request, registry);
  return manifest;
}

function target(exchange: Exchange) {
  const name = parseName(parameter(exchange, "name"));
  const reference = encodedParameter(exchange, "reference");
  return { name, reference: parseReference(reference) };
}

/** For an answer that has, or stands for, all of it. */
function whole(manifest: ManifestRecord): Record<string, string> {
  return { ...headers(manifest), "content-length": String(manifest.bytes.length) };
}

function headers({ digest, mediaType }: ManifestRecord): Record<string, string> {
  return {
    ...COMMON,
    "content-type": mediaType,
    "docker-content-digest": digest,
    etag: entityTag(digest),
  };
}
