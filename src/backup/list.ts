import { createHash } from "node:crypto";
import { type Digest, isDigest } from "../oci/digest.ts";
import { isRecord } from "../oci/json.ts";
import { isRepositoryName } from "../oci/name.ts";
import { isTag } from "../oci/reference.ts";
import type { SetBlobs, SetRepository } from "./set.ts";

/**
 * The list of a set: one JSON object a line, first the repositories, then the blobs, all in ASCII order.
 * The same content gives the same bytes, wherever and whenever it is made. Pure.
 */
export function repositoryLine({ name, tags, manifests, layers }: SetRepository): string {
  const named = tags.map(({ tag, digest }) => [tag, digest] as const);
  return `${JSON.stringify({
    repository: name,
    tags: Object.fromEntries(named.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    manifests: manifests.toSorted(),
    layers: layers.toSorted(),
  })}\n`;
}

export function blobLine(digest: Digest, size: number): string {
  return `${JSON.stringify({ blob: digest, size })}\n`;
}

/** What one line says. */
export type ListLine =
  | { readonly repository: string; readonly line: string; readonly names: readonly Digest[] }
  | { readonly blob: Digest; readonly size: number };

/** Null when it is no line of a list. */
export function parseLine(line: string): ListLine | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  const { repository, tags, manifests, layers, blob, size } = value;
  if (typeof blob === "string" && isDigest(blob)) {
    return isSize(size) ? { blob, size } : null;
  }
  if (typeof repository !== "string" || !isRepositoryName(repository) || !isRecord(tags)) return null;
  const named = Object.entries(tags);
  if (!named.every(([tag, digest]) => isTag(tag) && isDigestText(digest))) return null;
  if (!areDigests(manifests) || !areDigests(layers)) return null;
  return { repository, line, names: [...manifests, ...layers] };
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isDigestText(value: unknown): value is Digest {
  return typeof value === "string" && isDigest(value);
}

function areDigests(value: unknown): value is Digest[] {
  return Array.isArray(value) && value.every(isDigestText);
}

/** The digest of a list that is made line by line. */
export class ListDigest {
  readonly #hash = createHash("sha256");

  add(text: string | Uint8Array): void {
    this.#hash.update(text);
  }

  end(): Digest {
    return `sha256:${this.#hash.digest("hex")}` as Digest;
  }
}

/** The digest that the list of this content has. */
export function listDigest(repositories: Iterable<SetRepository>, blobs: SetBlobs): Digest {
  const digest = new ListDigest();
  for (const repository of repositories) digest.add(repositoryLine(repository));
  for (const blob of [...blobs.keys()].toSorted()) digest.add(blobLine(blob, blobs.get(blob) ?? 0));
  return digest.end();
}
