import { digestOf } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import { OCI_ARTIFACT, OCI_IMAGE, OCI_INDEX } from "./media-types.ts";

/** Manifests as clients write them, for tests: valid ones, to be changed in one place. */

export const CONFIG = "application/vnd.oci.image.config.v1+json";
export const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
export const FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

export type Fields = Readonly<Record<string, unknown>>;

/** The descriptor of content that nobody has; every seed another one. */
export function descriptor(seed: string, mediaType: string, more: Fields = {}): Fields {
  return { mediaType, digest: digestOf(encode(seed)), size: seed.length, ...more };
}

export function image(more: Fields = {}): Fields {
  return {
    schemaVersion: 2,
    mediaType: OCI_IMAGE,
    config: descriptor("config", CONFIG),
    layers: [descriptor("one", LAYER), descriptor("two", LAYER)],
    ...more,
  };
}

export function index(more: Fields = {}): Fields {
  const platform = { os: "linux", architecture: "arm64", variant: "v8" };
  return {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [descriptor("child", OCI_IMAGE, { platform })],
    ...more,
  };
}

export function artifact(more: Fields = {}): Fields {
  return {
    mediaType: OCI_ARTIFACT,
    artifactType: "x/sbom",
    blobs: [descriptor("one", "x/y")],
    ...more,
  };
}

export function without(document: Fields, key: string): Fields {
  return Object.fromEntries(Object.entries(document).filter(([one]) => one !== key));
}

export function parse(document: unknown, contentType: string | null = null): Manifest {
  return parseManifest(encode(JSON.stringify(document)), contentType);
}

/** The reason of the refusal. */
export function refusal(bytes: Uint8Array, contentType: string | null = null): string {
  try {
    parseManifest(bytes, contentType);
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "MANIFEST_INVALID") return error.message;
    throw error;
  }
  throw new Error("it was accepted");
}

export const refusalOf = (document: unknown, contentType: string | null = null): string =>
  refusal(encode(JSON.stringify(document)), contentType);
