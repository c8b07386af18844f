/**
 * Ends a conversation in which the other side has stopped talking: `stallMs` without a byte, or
 * `totalMs` altogether, so that neither silence nor one byte a minute holds a command for ever.
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #total: Timer;
  #stall: Timer;

  constructor(
    readonly stallMs: number,
    totalMs: number,
  ) {
    this.#total = setTimeout(this.#end, totalMs);
    this.#stall = setTimeout(this.#end, stallMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something came. */
  renew(): void {
    clearTimeout(this.#stall);
    this.#stall = setTimeout(this.#end, this.stallMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#total);
    clearTimeout(this.#stall);
  }

  readonly #end = (): void => {
    this.#controller.abort();
  };
}
