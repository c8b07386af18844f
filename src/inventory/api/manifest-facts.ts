import {
  extract,
  mediaTypeOf,
  parseDocument,
  sayWhatHides,
} from "../../metadata/lenient-manifest.ts";
import type { Digest } from "../../oci/digest.ts";
import { isRecord } from "../../oci/json.ts";
import { isFirstFormat, manifestKind } from "../../oci/media-types.ts";
import { type Placeholder, placeholderIn } from "./placeholder.ts";

/** What decisions need of a manifest. The bytes of a digest never change, so neither does this. */
export interface ManifestFacts {
  readonly mediaType: string;
  /** Bytes of the manifest itself. */
  readonly size: number;
  readonly subject: Digest | null;
  readonly artifactType: string | null;
  readonly children: readonly Digest[];
  /** Each once, foreign layers left out. In Docker's first format nothing has a size: those are 0. */
  readonly blobs: readonly SizedBlob[];
  /** The config that says when the image was built; null: there is none of a kind that does. */
  readonly config: SizedBlob | null;
  /** UTC milliseconds, as the manifest itself says: an annotation, or Docker's first format. */
  readonly createdAt: number | null;
  /** Not null: a removal of ours put it there in place of an image. */
  readonly placeholder: Placeholder | null;
}

export interface SizedBlob {
  readonly digest: Digest;
  readonly size: number;
}

const CREATED = "org.opencontainers.image.created";

/** Configs of other kinds (charts, signatures, policies) have no such time, or one that means something else. */
const DATED_CONFIGS = new Set([
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
  "application/vnd.docker.plugin.v1+json",
]);

/** Bytes; a larger config is none. */
const LARGEST_CONFIG = 4 * 1024 * 1024;

/**
 * Reads a manifest whose digest was verified. A string: why it cannot be understood, and so may hide
 * something that is needed. Pure.
 */
export function manifestFacts(bytes: Uint8Array): ManifestFacts | string {
  const document = parseDocument(bytes);
  if (!document)
    return bytes.length === 0 ? "the manifest is empty" : "the manifest is no JSON object";
  const mediaType = mediaTypeOf(document);
  if (mediaType === null) return "the manifest does not say what it is";
  const first = isFirstFormat(mediaType) || Array.isArray(document["fsLayers"]);
  if (!first && manifestKind(mediaType) === null) {
    return `the media type ${JSON.stringify(mediaType)} is not one of a manifest that we know`;
  }
  const problems: string[] = [];
  const remark = (problem: string): void => void problems.push(problem);
  sayWhatHides(document, remark);
  const { subject, artifactType, annotations, references } = extract(document, new Map(), remark);
  if (problems[0] !== undefined) return problems[0];
  const manifests = manifestsOf(document["manifests"]);
  const isChild = ({ role, digest }: { role: string; digest: Digest }): boolean =>
    role === "child" && manifests.has(digest);
  return {
    mediaType,
    size: bytes.length,
    subject,
    artifactType,
    children: unique(references.filter(isChild)).map(({ digest }) => digest),
    blobs: unique(references.filter((one) => !isChild(one))),
    config: configOf(document["config"]),
    createdAt: timeOf(annotations?.[CREATED]) ?? (first ? firstFormatTime(document) : null),
    placeholder: placeholderIn(artifactType, annotations),
  };
}

/** When a config says that its image was built. Null: it does not, or is no config. Pure. */
export function configTime(bytes: Uint8Array): number | null {
  return timeOf(parseDocument(bytes)?.["created"]);
}

/** RFC 3339, as Go writes it: up to nine digits of a second. What is no time is as good as none. Pure. */
export function timeOf(value: unknown): number | null {
  if (typeof value !== "string" || value.length > 64) return null;
  if (!/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)$/.test(value)) return null;
  // Only milliseconds are sure to be understood everywhere.
  const time = Date.parse(value.replace(/(\.\d{3})\d+/, "$1").replace(" ", "T"));
  return Number.isFinite(time) ? time : null;
}

/** An index of buildx's cache lists layers among its manifests: those are blobs. */
function manifestsOf(value: unknown): ReadonlySet<unknown> {
  const entries = Array.isArray(value) ? value.filter(isRecord) : [];
  const manifests = entries.filter(
    ({ mediaType }) =>
      typeof mediaType === "string" &&
      (manifestKind(mediaType) !== null || isFirstFormat(mediaType)),
  );
  return new Set(manifests.map(({ digest }) => digest));
}

function configOf(value: unknown): SizedBlob | null {
  if (!isRecord(value)) return null;
  const { mediaType, digest, size } = value;
  if (typeof mediaType !== "string" || !DATED_CONFIGS.has(mediaType)) return null;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) return null;
  // `extract` has seen that it is a digest.
  return size > LARGEST_CONFIG ? null : { digest: digest as Digest, size };
}

/** The newest layer stands first, and each has its config as text. */
function firstFormatTime({ history }: Readonly<Record<string, unknown>>): number | null {
  const newest: unknown = Array.isArray(history) ? history[0] : null;
  const text = isRecord(newest) ? newest["v1Compatibility"] : null;
  return typeof text === "string" ? configTime(new TextEncoder().encode(text)) : null;
}

function unique(blobs: readonly SizedBlob[]): SizedBlob[] {
  const sizes = new Map(blobs.map(({ digest, size }) => [digest, size]));
  return [...sizes].map(([digest, size]) => ({ digest, size }));
}
