/**
 * Ends a conversation in which the other side has stopped talking: `stallMs` without a byte, or
 * `totalMs` altogether unless that is null, so that neither silence nor one byte a minute holds a command for ever.
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #began = performance.now();
  #heard = this.#began;
  #timer: Timer | null;
  #expired = false;
  readonly #whenOver: (() => void)[] = [];

  constructor(
    readonly stallMs: number,
    readonly totalMs: number | null,
  ) {
    this.#timer = setTimeout(this.#look, this.#left());
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it was time that ended the conversation. */
  get expired(): boolean {
    return this.#expired;
  }

  /** Something came. A clock is read and no timer moved: it comes with every piece of an answer. */
  renew(): void {
    this.#heard = performance.now();
  }

  /** Called once, when the conversation is over, however it ended; at once when it is over already. */
  whenOver(call: () => void): void {
    if (this.#timer === null) call();
    else this.#whenOver.push(call);
  }

  /** What is still on the way is wanted no more. */
  cut(): void {
    this.#controller.abort();
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    for (const call of this.#whenOver) call();
  }

  /** Milliseconds until there is something to say, if nothing comes any more. */
  #left(): number {
    const stall = this.#heard + this.stallMs;
    const end = this.totalMs === null ? stall : Math.min(stall, this.#began + this.totalMs);
    return end - performance.now();
  }

  readonly #look = (): void => {
    const left = this.#left();
    if (left > 0) {
      this.#timer = setTimeout(this.#look, left);
      return;
    }
    this.#expired = true;
    this.cut();
  };
}
