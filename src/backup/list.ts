import { createHash } from "node:crypto";
import { type Digest, isDigest } from "../oci/digest.ts";
import { isRecord } from "../oci/json.ts";
import { invalid } from "./document.ts";
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

/** The blobs of a list, with their bytes, and its own digest. */
export interface ReadList {
  readonly digest: Digest;
  readonly blobs: ReadonlyMap<Digest, number>;
}

/** Characters of one line: a repository with half a million links. */
const LONGEST_LINE = 64 * 1024 * 1024;

/**
 * Reads a list. Of the repositories only the digest speaks: it is compared with that of what is there.
 * Throws BACKUP_INVALID. `source`: where it was found.
 */
export async function readList(body: AsyncIterable<Uint8Array>, source: string): Promise<ReadList> {
  const digest = new ListDigest();
  const blobs = new Map<Digest, number>();
  const decoder = new TextDecoder();
  let held = "";
  for await (const piece of body) {
    digest.add(piece);
    const lines = (held + decoder.decode(piece, { stream: true })).split("\n");
    held = lines.pop() ?? "";
    if (held.length > LONGEST_LINE) throw invalid(source, "its list has a line that does not end");
    for (const line of lines) {
      const value = parse(line);
      if (!value) throw invalid(source, "its list has a line that is none");
      const { blob, size } = value;
      if (typeof blob === "string" && isDigest(blob) && typeof size === "number")
        blobs.set(blob, size);
    }
  }
  return { digest: digest.end(), blobs };
}

function parse(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
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
