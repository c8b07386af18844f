import type { Digest } from "../oci/digest.ts";
import { verified } from "./blob-bytes.ts";
import { invalid } from "./document.ts";
import { readEntries } from "./entries.ts";
import { placeOf } from "./place.ts";
import type { Needed } from "./target.ts";

/** A blob out of a backup. The body throws BACKUP_INVALID when it is not what it was when it was looked at. */
export interface FoundBlob {
  readonly digest: Digest;
  readonly size: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Reads the sources once more, for these blobs. Each body is consumed before the next blob is asked for.
 * Throws BACKUP_INVALID when one of them is not there any more.
 */
export async function* blobsOf(needed: Needed): AsyncGenerator<FoundBlob> {
  const left = new Set(needed.keys());
  const sources = new Set([...needed.values()].map(({ source }) => source));
  for (const source of sources) {
    for await (const entry of readEntries(source)) {
      const place = placeOf(entry.path);
      if (place.is !== "blob") continue;
      const { digest } = place;
      if (needed.get(digest)?.source !== source || !left.delete(digest)) continue;
      const wrong = (why: string) => invalid(source, `${entry.path} ${why}`);
      const { size } = entry;
      yield { digest, size, body: verified(entry.body, digest, size, wrong) };
    }
  }
  const [lost] = left;
  if (lost) throw invalid(needed.get(lost)?.source ?? "", `${lost} is not in it any more`);
}
