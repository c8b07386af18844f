/**
 * Where bytes are kept: a folder, memory, later a bucket.
 *
 * Paths are relative, `/` between their parts, and come from `tree.ts` only: no caller joins user input
 * into one. Drivers are dumb: they neither retry nor limit nor count; wrappers of this same interface do.
 * Errors of the medium are thrown as they come (`ENOSPC`, `EIO`, …): "not there" is the only outcome
 * that is a value, so that unreadable is never taken for absent.
 *
 * One suite, `contract.ts`, runs against every driver.
 */
export interface Storage {
  /** Size and time of one object, or null when nothing, or a folder, is there. */
  stat(path: string): Promise<ObjectInfo | null>;

  /**
   * Opens one object, or null when it is not there. The body is read when it is consumed, and may be
   * given to a `Response` as it is; a body that nobody consumes costs nothing and needs no closing.
   * `range` counts bytes from 0, `end` exclusive; the caller has checked it against the size.
   */
  read(path: string, range?: ByteRange): Promise<StoredObject | null>;

  /** A small object, whole, or null when it is not there. For links and manifests, never for layers. */
  readSmall(path: string): Promise<Uint8Array<ArrayBuffer> | null>;

  /**
   * Writes small objects. Each appears whole or not at all, replacing what was there; several may be
   * visible before others. When this resolves, all are on stable storage together with the folders
   * that lead to them, and so is every removal that had resolved before the call: for that the list may
   * be empty. A failure leaves any subset written: calling again is safe. A power cut before it resolves
   * may leave some of them empty: whoever calls does it again after one.
   */
  write(objects: readonly SmallObject[]): Promise<void>;

  /**
   * Opens an object for appending at `offset` bytes; what lies behind the offset is cut off, one that
   * ends before it is refused. Creates it when it is not there. One writer an object: the caller sees to
   * that.
   */
  append(path: string, offset: number): Promise<ObjectWriter>;

  /**
   * Moves an object, replacing what is at the target. Atomic: readers of the target see the old or the
   * new object, whole. When this resolves, the new name is on stable storage. The source must be there.
   */
  move(from: string, to: string): Promise<void>;

  /**
   * Moves many objects, each atomically, to where none are. When this resolves all of them are on stable
   * storage under their new names, and folders that are empty now are gone. False: there was nothing to
   * move, which is what whoever repeats it gets. A failure leaves any subset moved.
   */
  moveAll(moves: readonly Move[]): Promise<boolean[]>;

  /**
   * Removes an object, or a folder with all that is in it. Idempotent: absent is fine. Not on stable
   * storage until the next `write`: removals come in crowds, and a crash that undoes one leaves garbage.
   */
  delete(path: string): Promise<void>;

  /**
   * The entries right below a folder (`""` is the storage itself), in no order; nothing when it is not
   * there. Entries that come or go meanwhile may be seen or not.
   */
  list(folder: string): AsyncIterable<Entry>;
}

export interface ObjectInfo {
  /** Bytes. */
  readonly size: number;
  /** UTC milliseconds. */
  readonly modifiedAt: number;
}

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface StoredObject {
  /** Bytes of the whole object, also when a range was asked for. */
  readonly size: number;
  readonly body: Blob | ReadableStream<Uint8Array>;
}

export interface Move {
  readonly from: string;
  readonly to: string;
}

export interface SmallObject {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface Entry {
  readonly name: string;
  /** `other`: it is there, but is neither, or cannot be told: unreadable is not absent. */
  readonly kind: "object" | "folder" | "other";
}

/**
 * Takes the bytes of one object in order. Not safe for concurrent calls.
 * Every writer ends with `close`, also after an error; what was written stays for a later `append`.
 */
export interface ObjectWriter {
  /** Resolves when more may come (backpressure). The chunk belongs to the writer from now on. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** Resolves when every byte is on stable storage. A failure is final: the object must be given up. */
  sync(): Promise<void>;
  /** Hands buffered bytes to the medium (not: to stable storage) and releases the writer. Idempotent. */
  close(): Promise<void>;
}
