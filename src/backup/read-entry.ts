/** One file of a source. Its body is read before the next one is asked for, or not at all. */
export interface ReadEntry {
  readonly path: string;
  readonly size: number;
  /** UTC milliseconds. */
  readonly modifiedAt: number;
  readonly body: AsyncIterable<Uint8Array>;
}
