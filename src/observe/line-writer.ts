/** Lines gather this long, or until there are so many characters of them. */
const DELAY_MS = 100;
const GATHERED = 64 * 1024;

/** Characters that wait for a slow reader, at most. More are dropped, and counted. */
const WAITING = 8 * 1024 * 1024;

/** How long a close waits for a reader that takes nothing. */
const LAST_PATIENCE_MS = 5000;

/**
 * Writes lines without ever making anybody wait: they are gathered and written in pieces, one after the
 * other. A reader that stands still costs lines, never memory without bounds, and never a request.
 */
export class LineWriter {
  readonly #write: (text: string) => Promise<void>;
  #gathered: string[] = [];
  #size = 0;
  #timer: Timer | null = null;
  #writing: Promise<void> | null = null;
  #dropped = 0;
  #closing = false;

  /** `write` resolves when all of the text was taken. */
  constructor(write: (text: string) => Promise<void>) {
    this.#write = write;
  }

  /** Lines that were not written. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a line, with its end. */
  add(line: string): void {
    if (this.#size + line.length > WAITING) {
      this.#dropped++;
      return;
    }
    this.#gathered.push(line);
    this.#size += line.length;
    if (!this.#writing) this.#schedule();
  }

  /** Resolves when every line that was added is written, or when nobody takes them. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#begin();
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, LAST_PATIENCE_MS);
    await Promise.race([this.#writing, patience.promise]);
    clearTimeout(timer);
  }

  #schedule(): void {
    if (this.#size >= GATHERED) this.#begin();
    else this.#timer ??= setTimeout(() => this.#begin(), DELAY_MS);
  }

  #begin(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#gathered.length > 0) this.#writing ??= this.#drain();
  }

  async #drain(): Promise<void> {
    do {
      const text = this.#gathered.join("");
      const lines = this.#gathered.length;
      this.#gathered = [];
      this.#size = 0;
      try {
        await this.#write(text);
      } catch {
        // The reader has gone. Requests matter more than their log.
        this.#dropped += lines;
      }
      // A write costs much more than a line: those that came meanwhile gather again.
    } while (this.#size >= GATHERED || (this.#closing && this.#gathered.length > 0));
    this.#writing = null;
    if (this.#gathered.length > 0) this.#schedule();
  }
}
