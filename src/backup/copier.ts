import type { Snapshot } from "../metadata/snapshot.ts";
import { type Digest, algorithmOf, digestOf } from "../oci/digest.ts";
import { blobPath } from "../storage/tree.ts";
import { type BlobPlace, blobBytes, damagedBlob, smallBlob } from "./blob-bytes.ts";
import type { Sink } from "./sink.ts";

/** How far a backup is: of the blobs that it copies. */
export interface Progress {
  readonly blobs: number;
  readonly bytes: number;
  readonly of: { readonly blobs: number; readonly bytes: number };
}

export interface Copying {
  readonly at: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Brings blobs into a sink, each compared with its digest on the way. */
export class Copier {
  #blobs = 0;
  #bytes = 0;

  constructor(
    readonly sink: Sink,
    readonly waiting: Map<Digest, number>,
    readonly of: Progress["of"],
    readonly copying: Copying,
  ) {}

  /** What the tables have: manifests, and small blobs that are not in the tree yet. */
  async fromRows(snapshot: Snapshot): Promise<void> {
    for (const contents of [snapshot.manifests(), snapshot.contents()]) {
      for (const { digest, bytes } of contents) {
        const size = this.waiting.get(digest);
        if (size === undefined) continue;
        if (bytes.length !== size || digestOf(bytes, algorithmOf(digest)) !== digest) {
          throw damagedBlob(digest, "has not the bytes of its digest in the tables");
        }
        await this.#add(digest, size, bytes);
      }
    }
  }

  /** The rest. */
  async fromFiles(place: BlobPlace): Promise<void> {
    for (const [digest, size] of this.waiting) {
      const small = smallBlob(place, digest, size);
      await this.#add(digest, size, small ?? this.#counted(blobBytes(place, digest, size)));
    }
  }

  async #add(digest: Digest, size: number, body: Uint8Array | AsyncIterable<Uint8Array>) {
    const { signal, at } = this.copying;
    signal?.throwIfAborted();
    const path = blobPath(digest);
    const before = this.#bytes;
    if (!(await this.sink.has(path, size)))
      await this.sink.add({ path, size, modifiedAt: at }, body);
    this.waiting.delete(digest);
    this.#blobs++;
    this.#bytes = before + size;
    this.#say();
  }

  async *#counted(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of body) {
      this.copying.signal?.throwIfAborted();
      this.#bytes += piece.length;
      this.#say();
      yield piece;
    }
  }

  #say(): void {
    this.copying.onProgress?.({ blobs: this.#blobs, bytes: this.#bytes, of: this.of });
  }
}
