import { type Digest, Hasher, algorithmOf, isDigest } from "../oci/digest.ts";
import type { Storage } from "../storage/storage.ts";
import { BLOBS, blobPath } from "../storage/tree.ts";
import type { Checked } from "./finding.ts";

/** What one step of reading came to: a damaged blob, one that could not be read, or only progress. */
export type Verified =
  | { readonly digest: Digest; readonly unread: Error | null }
  | { readonly digest: null; readonly unread: null };

/** Bytes between two signs of life. */
const STEP = 256 * 1024 * 1024;

/**
 * Reads every file of the blob store once, whoever links it, and yields those whose bytes are not those
 * of their digest. One at a time: whoever uses the registry meanwhile needs the disk as well.
 */
export async function* verifyBytes(
  storage: Pick<Storage, "list" | "read">,
  checked: Checked,
): AsyncGenerator<Verified> {
  let said = 0;
  for await (const digest of blobsOf(storage)) {
    try {
      const whole = await isWhole(storage, digest, checked);
      // Twice, because it may have been replaced while it was read: pushing a damaged blob heals it.
      if (whole === false && (await isWhole(storage, digest, null)) === false) {
        yield { digest, unread: null };
      }
    } catch (error) {
      yield { digest, unread: error as Error };
    }
    if (checked.bytes - said < STEP) continue;
    said = checked.bytes;
    yield { digest: null, unread: null };
  }
}

/** Null when it is not there. */
async function isWhole(
  storage: Pick<Storage, "read">,
  digest: Digest,
  checked: Checked | null,
): Promise<boolean | null> {
  const stored = await storage.read(blobPath(digest));
  if (!stored) return null;
  const hasher = new Hasher(algorithmOf(digest));
  const body = stored.body instanceof Blob ? stored.body.stream() : stored.body;
  for await (const chunk of body) {
    hasher.update(chunk);
    if (checked) checked.bytes += chunk.length;
  }
  if (checked) checked.files++;
  return hasher.digest() === digest;
}

async function* blobsOf(storage: Pick<Storage, "list">): AsyncGenerator<Digest> {
  for await (const algorithm of foldersIn(BLOBS)) {
    for await (const prefix of foldersIn(`${BLOBS}/${algorithm}`)) {
      for await (const hex of foldersIn(`${BLOBS}/${algorithm}/${prefix}`)) {
        const digest = `${algorithm}:${hex}`;
        if (isDigest(digest)) yield digest;
      }
    }
  }

  async function* foldersIn(folder: string): AsyncGenerator<string> {
    for await (const { name, kind } of storage.list(folder)) if (kind === "folder") yield name;
  }
}
