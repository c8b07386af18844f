import { readFileSync } from "node:fs";
import { lookAt } from "./file-looks.ts";

export interface WatchOptions {
  /** Milliseconds between two looks at the file; what has changed counts at the latest after this time. */
  readonly every?: number;
  /** Hears, once for each change, that the file is broken; what it said before stays in force. */
  readonly onTrouble?: (error: unknown) => void;
  /** Milliseconds of a clock that never jumps. */
  readonly monotonic?: () => number;
}

const EVERY_MS = 500;

/** More than any file of users or tokens; what is larger is a mistake, and would stop the process while it is read. */
const LARGEST = 16 * 1024 * 1024;

/** Two writes closer together than this may leave the same times, and the same length, behind. */
const RACY_MS = 2000;

/**
 * A file whose content every request needs, and which people and commands may change at any time.
 *
 * It is looked at when it is asked for, not by a timer: nothing runs while nobody asks, and the answer is
 * never older than `every`. A look is one `stat` of some microseconds, of what the path leads to now:
 * a rename over it, a rewrite in place, an exchanged symbolic link, a removal and a return are all seen.
 *
 * A file that cannot be read or parsed any more changes nothing but tells `onTrouble`: an editor that has
 * written half of it must lock nobody out, and let nobody in. The first look throws what `parse` throws.
 */
export class WatchedFile<T> {
  readonly #every: number;
  readonly #onTrouble: (error: unknown) => void;
  readonly #monotonic: () => number;
  #value: T;
  #text: string | null;
  #mark = "";
  #looked: number;
  #trouble = "";

  /** `parse` gets null when there is no file, and throws when the text makes no sense. */
  constructor(
    readonly path: string,
    readonly parse: (text: string | null) => T,
    { every = EVERY_MS, onTrouble = () => undefined, monotonic }: WatchOptions = {},
  ) {
    this.#every = every;
    this.#onTrouble = onTrouble;
    this.#monotonic = monotonic ?? (() => performance.now());
    this.#looked = this.#monotonic();
    this.#text = this.#read() ?? null;
    this.#value = parse(this.#text);
  }

  /** What the file says, as of half a second ago at most. */
  get(): T {
    const now = this.#monotonic();
    if (now - this.#looked < this.#every) return this.#value;
    this.#looked = now;
    this.look();
    return this.#value;
  }

  /** Looks now. */
  look(): void {
    try {
      const text = this.#readAgain();
      if (text === undefined || text === this.#text) return;
      this.#text = text;
      this.#value = this.parse(text);
      this.#trouble = "";
    } catch (error) {
      const trouble = String(error);
      if (trouble !== this.#trouble) this.#onTrouble(error);
      this.#trouble = trouble;
    }
  }

  #readAgain(): string | null | undefined {
    try {
      return this.#read();
    } catch (error) {
      // It may be readable the next time, without a sign of a change.
      this.#mark = "";
      throw error;
    }
  }

  /** Null: there is no file; undefined: it is the one that was read before. */
  #read(): string | null | undefined {
    // Before the file is read: what changes in between is seen at the next look.
    const { mark, settled, size } = lookAt(this.path, RACY_MS);
    if (mark === this.#mark) return undefined;
    this.#mark = settled ? mark : "";
    if (size === null) return null;
    if (size > LARGEST) {
      throw new Error(`${this.path} has ${size} bytes; more than ${LARGEST} are not read`);
    }
    return readFileSync(this.path, "utf8");
  }
}
