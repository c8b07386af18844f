import { type Digest, algorithmOf, digestOf, isDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { isRecord, isStrings } from "./json.ts";
import { type ManifestKind, MANIFEST_TYPES, isForeignLayer, manifestKind } from "./media-types.ts";
import { platformOf } from "./platform.ts";
import { JsonError, parseStrictJson } from "./strict-json.ts";

/** The part of a descriptor that a registry needs (OCI image spec, "Descriptors"). `size` in bytes. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly urls: readonly string[];
  readonly platform?: string;
}

/** What a manifest says, with each reference in its place. The bytes themselves are kept elsewhere, exactly. */
export interface Manifest {
  readonly mediaType: string;
  readonly kind: ManifestKind;
  readonly config: Descriptor | null;
  readonly layers: readonly Descriptor[];
  readonly children: readonly Descriptor[];
  readonly subject: Descriptor | null;
  /** As the referrers API shows it: of an image without one, the media type of its config. */
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>> | null;
}

/** Content that a manifest names, and that is kept for as long as the manifest is. */
export interface Requirement {
  readonly digest: Digest;
  readonly size: number;
  readonly role: "config" | "layer" | "child";
  /** False for an entry of an index that is no manifest (buildx keeps caches that way): a blob will do. */
  readonly manifest: boolean;
  /** False for a foreign layer: the manifest is accepted without it. */
  readonly required: boolean;
}

/**
 * Reads a manifest as it was pushed. Throws MANIFEST_INVALID with the reason.
 *
 * Strict where two readers could differ: `mediaType` and Content-Type must agree, a document is either
 * an image or an index, keys stand once and are written exactly.
 */
export function parseManifest(bytes: Uint8Array, contentType: string | null): Manifest {
  const document = parseDocument(bytes);
  refuseLookalikes(document, DOCUMENT_KEYS, "");
  const mediaType = agreedType(document, contentType);
  const kind = manifestKind(mediaType);
  if (kind === null) {
    invalid(`media type ${JSON.stringify(mediaType)} is not one of ${MANIFEST_TYPES.join(", ")}`);
  }
  if (kind !== "artifact" && document["schemaVersion"] !== 2) invalid("schemaVersion must be 2");
  refuseAmbiguity(document, kind);
  const config = kind === "image" ? descriptor(document["config"], "config") : null;
  return {
    mediaType,
    kind,
    config,
    layers:
      kind === "image"
        ? descriptors(document["layers"], "layers")
        : kind === "artifact"
          ? descriptors(document["blobs"] ?? [], "blobs")
          : [],
    children: kind === "index" ? descriptors(document["manifests"], "manifests") : [],
    subject: document["subject"] == null ? null : descriptor(document["subject"], "subject"),
    artifactType: artifactType(document, config),
    annotations: annotations(document["annotations"]),
  };
}

/** All that the manifest names, its subject excepted: that one may come later, or never. */
export function requirements(manifest: Manifest): Requirement[] {
  const named: Requirement[] = [];
  if (manifest.config) named.push(blob(manifest.config, "config"));
  for (const layer of manifest.layers) named.push(blob(layer, "layer"));
  for (const { digest, size, mediaType } of manifest.children) {
    const isManifest = manifestKind(mediaType) !== null;
    named.push({ digest, size, role: "child", manifest: isManifest, required: true });
  }
  return named;
}

function blob(
  { digest, size, mediaType, urls }: Descriptor,
  role: "config" | "layer",
): Requirement {
  const foreign = role === "layer" && (urls.length > 0 || isForeignLayer(mediaType));
  return { digest, size, role, manifest: false, required: !foreign };
}

type Document = Readonly<Record<string, unknown>>;

function invalid(reason: string): never {
  throw new RegistryError("MANIFEST_INVALID", { reason });
}

function parseDocument(bytes: Uint8Array): Document {
  try {
    const value = parseStrictJson(bytes);
    if (isRecord(value)) return value;
  } catch (error) {
    if (error instanceof JsonError) invalid(error.message);
    throw error;
  }
  return invalid("it is not a JSON object");
}

/** Parameters of the Content-Type are ignored (distribution spec, "Pushing Manifests"). */
function agreedType(document: Document, contentType: string | null): string {
  const header = contentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const field = document["mediaType"];
  if (field !== undefined && typeof field !== "string") invalid("mediaType must be a string");
  if (field !== undefined && field !== "" && header !== "" && field !== header) {
    invalid(`its mediaType is ${JSON.stringify(field)}, but the Content-Type is ${header}`);
  }
  const type = field || header;
  if (!type) invalid("neither a Content-Type nor a mediaType says what it is");
  return type;
}

/** @see CVE-2021-41190: bytes that are an image to one client and an index to another. */
function refuseAmbiguity(document: Document, kind: ManifestKind): void {
  const foreign: Record<ManifestKind, readonly string[]> = {
    image: ["manifests", "fsLayers", "blobs"],
    index: ["layers", "config", "fsLayers", "blobs"],
    artifact: ["layers", "config", "manifests", "fsLayers"],
  };
  for (const key of foreign[kind]) {
    if (Object.hasOwn(document, key)) invalid(`an ${kind} must not have the key "${key}"`);
  }
}

const DOCUMENT_KEYS = folded(
  "schemaVersion mediaType artifactType config layers manifests blobs fsLayers subject annotations",
);
const DESCRIPTOR_KEYS = folded("mediaType digest size urls data platform artifactType annotations");

/**
 * Most clients are written in Go, whose reader does not mind the case of keys: "Layers" after "layers"
 * would replace it there, and what we checked would not be what they pull.
 */
function refuseLookalikes(
  object: Document,
  keys: ReadonlyMap<string, string>,
  where: string,
): void {
  for (const key of Object.keys(object)) {
    const meant = keys.get(fold(key));
    if (meant === undefined || meant === key) continue;
    invalid(`the key ${JSON.stringify(where + key)} would be read as "${meant}" by some clients`);
  }
}

function folded(keys: string): ReadonlyMap<string, string> {
  return new Map(keys.split(" ").map((key) => [fold(key), key]));
}

/** As Go does it: the Kelvin sign is a k, and the long s an s. */
function fold(key: string): string {
  return key.toLowerCase().toUpperCase();
}

/** Go writes an empty list that was never made as null. */
function descriptors(value: unknown, where: string): Descriptor[] {
  if (value === null) return [];
  if (!Array.isArray(value)) invalid(`"${where}" must be a list`);
  return value.map((item, index) => descriptor(item, `${where}[${index}]`));
}

function descriptor(value: unknown, where: string): Descriptor {
  if (!isRecord(value)) invalid(`"${where}" must be a descriptor`);
  refuseLookalikes(value, DESCRIPTOR_KEYS, `${where}.`);
  const { mediaType, digest, size, urls, data } = value;
  if (typeof mediaType !== "string" || mediaType === "") invalid(`"${where}.mediaType" is missing`);
  if (typeof digest !== "string" || !isDigest(digest)) {
    invalid(`"${where}.digest" is not a sha256 or sha512 digest`);
  }
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    invalid(`"${where}.size" must be a whole number of bytes`);
  }
  if (urls !== undefined && !isStrings(urls)) invalid(`"${where}.urls" must be a list of strings`);
  if (data !== undefined) checkData(data, digest, size, where);
  const platform = platformOf(value["platform"]);
  return { mediaType, digest, size, urls: urls ?? [], ...(platform && { platform }) };
}

/** Embedded content must be the content (OCI image spec, "Embedded Content"). */
function checkData(data: unknown, digest: Digest, size: number, where: string): void {
  if (typeof data !== "string") invalid(`"${where}.data" must be a base64 string`);
  const bytes = Buffer.from(data, "base64");
  if (bytes.length !== size || digestOf(bytes, algorithmOf(digest)) !== digest) {
    invalid(`"${where}.data" is not the content of its digest`);
  }
}

/** @see OCI distribution spec 1.1, "Listing Referrers" */
function artifactType(document: Document, config: Descriptor | null): string | null {
  const own = document["artifactType"];
  if (own !== undefined && typeof own !== "string") invalid("artifactType must be a string");
  return own || (config?.mediaType ?? null);
}

function annotations(value: unknown): Readonly<Record<string, string>> | null {
  if (value == null) return null;
  if (!isRecord(value)) invalid("annotations must be an object");
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") invalid(`the annotation ${JSON.stringify(key)} must be a string`);
  }
  return value as Record<string, string>;
}
