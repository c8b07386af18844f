import { blob, json, mediaTypes, randomBytes, type Blob } from "../../support/oci.ts";
import { locationOf, withDigest } from "../../support/push.ts";
import { ask, type Answer } from "./http.ts";

export const artifactType = "application/vnd.oci.artifact.manifest.v1+json";
export const dockerForeignLayer = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
export const octets = "application/octet-stream";
/** The digest of no bytes at all. */
export const emptyDigest =
  "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/** A digest that is well-formed and nobody's. */
export const unknownDigest = `sha256:${"0123456789abcdef".repeat(4)}`;

export function digest(
  bytes: Uint8Array | string,
  algorithm: "sha256" | "sha512" = "sha256",
): string {
  return `${algorithm}:${new Bun.CryptoHasher(algorithm).update(bytes).digest("hex")}`;
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Bytes that nobody has pushed before. */
export function fresh(size = 100): Blob {
  return blob(octets, randomBytes(size));
}

/** Pushes bytes with POST and PUT, and returns the answer to the PUT. */
export async function pushBytes(
  url: string,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
  as = digest(bytes),
) {
  return await ask("PUT", withDigest(await startUpload(url, name), as), { body: bytes });
}

/** Opens an upload; returns its URL. */
export async function startUpload(url: string, name: string, query = ""): Promise<string> {
  return locationOf(await ask("POST", `${url}/v2/${name}/blobs/uploads/${query}`), url);
}

/** The offset that an upload's Range header speaks of; Docker's form has one byte for none. */
export function rangeOf(answer: Answer): string | null {
  return answer.headers.get("range");
}

export async function putManifest(
  url: string,
  name: string,
  reference: string,
  bytes: Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array>,
  contentType: string = mediaTypes.image,
): Promise<Answer> {
  return await ask("PUT", `${url}/v2/${name}/manifests/${reference}`, {
    headers: { "content-type": contentType },
    body: bytes,
  });
}

/** The empty config that artifacts have. */
export const emptyConfig: Blob = json(mediaTypes.empty, {});

/** The text of an OCI image manifest, each part replaced by what a test wants to see there. */
export function manifestText(parts: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.image,
    config: emptyConfig.descriptor,
    layers: [],
    ...parts,
  });
}

export function indexText(
  manifests: readonly unknown[],
  parts: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests, ...parts });
}
