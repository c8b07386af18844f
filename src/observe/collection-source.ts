/** What collections of garbage have done since the start, and what is left to do. Bytes and counts. */
export interface CollectionFigures {
  /** By how they ended. */
  readonly runs: Readonly<Record<string, number>>;
  /** By kind. */
  readonly removed: Readonly<Record<string, number>>;
  /** That were moved into the trash. */
  readonly bytes: number;
  readonly running: boolean;
  /** In the queue, whether or not they are old enough. */
  readonly queued: number;
  /** Of what waits for its owner's yes. */
  readonly waitingBytes: number;
  /** UTC milliseconds; null: there was none since the start. */
  readonly lastEndedAt: number | null;
}
