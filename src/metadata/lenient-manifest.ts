import { type Digest, isDigest } from "../oci/digest.ts";
import { isRecord } from "../oci/json.ts";
import {
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  OCI_ARTIFACT,
  OCI_IMAGE,
  OCI_INDEX,
  isForeignLayer,
} from "../oci/media-types.ts";
import type { ReferenceRecord, SnapshotManifest } from "./metadata.ts";

/** What a manifest says beside its type. */
export type Content = Pick<
  SnapshotManifest,
  "subject" | "artifactType" | "annotations" | "references"
>;

/** Of the blobs that the repository links. */
export type Sizes = ReadonlyMap<Digest, number>;

export type Document = Readonly<Record<string, unknown>>;

/** Null when the bytes are not a JSON object. */
export function parseDocument(bytes: Uint8Array): Document | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

/** It becomes a header, so what is not of this form is not believed (RFC 6838, "Naming Requirements"). */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i;

/** What it says it is, or looks like: OCI manifests need not say it, Docker's first format could not. */
export function mediaTypeOf(document: Document): string | null {
  const { mediaType, manifests, config, layers, fsLayers, signatures, blobs } = document;
  if (typeof mediaType === "string" && MEDIA_TYPE.test(mediaType)) return mediaType;
  if (Array.isArray(manifests)) return OCI_INDEX;
  if (isRecord(config) && Array.isArray(layers)) return OCI_IMAGE;
  if (Array.isArray(fsLayers)) {
    return signatures === undefined ? DOCKER_SCHEMA1 : DOCKER_SCHEMA1_SIGNED;
  }
  return Array.isArray(blobs) ? OCI_ARTIFACT : null;
}

/**
 * Says where a document may name something that is not looked for there. Registries written in Go took
 * their keys in any case, and so do their clients.
 */
export function sayWhatHides(document: Document, remark: (problem: string) => void): void {
  for (const key of Object.keys(document)) {
    if (!KEYS.has(key) && IN_ANY_CASE.has(key.toLowerCase())) {
      remark(`the manifest has the key "${key}"`);
    }
  }
  const { subject } = document;
  if (subject != null && digestIn(subject) === null) {
    remark('what "subject" names in the manifest cannot be read');
  }
}

const KEYS = new Set([
  "mediaType",
  "config",
  "layers",
  "blobs",
  "fsLayers",
  "manifests",
  "subject",
]);
const IN_ANY_CASE = new Set([...KEYS].map((key) => key.toLowerCase()));

/**
 * Takes every reference from wherever one can stand in any kind of manifest, so that nothing which it
 * may need is taken for unused.
 */
export function extract(
  document: Document,
  sizes: Sizes,
  remark: (problem: string) => void,
): Content {
  const { subject, artifactType, annotations, config } = document;
  const references: ReferenceRecord[] = [];
  const take = (role: ReferenceRecord["role"], value: unknown, where: string): void => {
    const entry = isRecord(value) ? value : {};
    // Docker's first format has `blobSum`, and no sizes.
    const digest = entry["digest"] ?? entry["blobSum"];
    if (typeof digest !== "string" || !isDigest(digest)) {
      remark(`what "${where}" names in the manifest cannot be read`);
      return;
    }
    if (role === "layer" && isForeign(entry) && !sizes.has(digest)) return;
    const { size } = entry;
    const known = typeof size === "number" && Number.isSafeInteger(size) && size >= 0;
    references.push({ role, digest, size: known ? size : (sizes.get(digest) ?? 0) });
  };
  const takeAll = (role: ReferenceRecord["role"], key: string): void => {
    const values = document[key];
    if (!Array.isArray(values)) return;
    values.forEach((value, index) => take(role, value, `${key}[${index}]`));
  };

  if (config != null) take("config", config, "config");
  for (const key of ["layers", "blobs", "fsLayers"]) takeAll("layer", key);
  takeAll("child", "manifests");
  return {
    subject: digestIn(subject),
    artifactType: textIn(artifactType) ?? (isRecord(config) ? textIn(config["mediaType"]) : null),
    annotations: textsIn(annotations),
    references,
  };
}

function isForeign({ urls, mediaType }: Document): boolean {
  if (Array.isArray(urls) && urls.length > 0) return true;
  return typeof mediaType === "string" && isForeignLayer(mediaType);
}

function digestIn(descriptor: unknown): Content["subject"] {
  if (!isRecord(descriptor)) return null;
  const { digest } = descriptor;
  return typeof digest === "string" && isDigest(digest) ? digest : null;
}

function textIn(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function textsIn(value: unknown): Content["annotations"] {
  if (!isRecord(value)) return null;
  const texts = Object.entries(value).filter(([, text]) => typeof text === "string");
  return Object.fromEntries(texts) as Record<string, string>;
}
