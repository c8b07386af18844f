import type { Happening, Who } from "../metadata/event.ts";
import { isDigest } from "../oci/digest.ts";
import { isRepositoryName } from "../oci/name.ts";
import { isTag } from "../oci/reference.ts";

/** A pull as it was noticed, with no more than its answer said: what was pulled may be deleted next. */
export interface Pull {
  /** Of its event: a UUID, the same at every attempt. */
  readonly id: string;
  readonly kind: "manifest" | "blob";
  /** Of the request. */
  readonly path: string;
  /** As the answer said it. */
  readonly digest: string;
  readonly mediaType: string | null;
  /** Bytes. */
  readonly size: number | null;
  readonly by: Who;
}

/**
 * The pulls that an endpoint has not heard of. They are worth a little memory and no disk: when it is
 * full those that come are counted, not kept. Counting one costs some nanoseconds, so that a flood of
 * pulls is not slowed down by those who watch it.
 */
export class PullQueue {
  readonly #waiting: Pull[] = [];
  #dropped = 0;

  constructor(readonly limit: number) {}

  get size(): number {
    return this.#waiting.length;
  }

  /** How many were not kept, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  get full(): boolean {
    return this.#waiting.length >= this.limit;
  }

  add(pull: Pull): void {
    if (this.full) this.#dropped++;
    else this.#waiting.push(pull);
  }

  drop(): void {
    this.#dropped++;
  }

  /** The oldest; they stay until they are removed. */
  first(count: number): readonly Pull[] {
    return this.#waiting.slice(0, count);
  }

  remove(count: number): void {
    this.#waiting.splice(0, count);
  }
}

const PATH = /^\/v2\/(?<name>.+)\/(?:manifests|blobs)\/(?<reference>[^/]+)$/;

/** What a pull was of; null when the path does not say it in a way that can be repeated. Pure. */
export function happeningOf({ kind, path, digest, mediaType, size, by }: Pull): Happening | null {
  const { name, reference } = PATH.exec(path)?.groups ?? {};
  if (!name || !reference || !isRepositoryName(name) || !isDigest(digest)) return null;
  const tag = kind === "manifest" && isTag(reference) ? reference : null;
  return { action: "pull", kind, name, at: by.at, digest, mediaType, size, tag, from: null, by };
}
