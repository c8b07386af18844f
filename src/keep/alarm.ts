import { type Times, dueAt } from "./schedule.ts";

/** However far away it is: a clock that was set, or a machine that slept, is noticed after this. */
const LOOK_MS = 30_000;

export interface AlarmParts {
  /** As they are in force; null: it never begins by itself. */
  readonly times: () => Times | null;
  /** When it began the last time, or since when anybody knows of it; UTC milliseconds. */
  readonly last: number;
  /** Asks for it. It counts as begun, until `began` says when it really did. Must not throw. */
  readonly ring: () => void;
  /** UTC milliseconds. */
  readonly now: () => number;
}

/** Rings when something is due by its schedule. Once closed it never does. */
export class Alarm {
  readonly #parts: AlarmParts;
  #last: number;
  #timer: Timer | null = null;
  #closed = true;

  constructor(parts: AlarmParts) {
    this.#parts = parts;
    this.#last = parts.last;
  }

  /** From now on it rings: soon, if it should have while nobody was there. */
  start(): void {
    this.#closed = false;
    this.#look();
  }

  /** The times are others. */
  changed(): void {
    if (!this.#closed) this.#look();
  }

  /** It begins at this time, whoever has asked for it. */
  began(at: number): void {
    this.#last = at;
    this.changed();
  }

  /** UTC milliseconds; null: never by itself. */
  get nextAt(): number | null {
    const times = this.#parts.times();
    return times === null ? null : dueAt(times, this.#last);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const now = this.#parts.now();
    // Of a clock that was put back: what lies in the future did not begin there.
    this.#last = Math.min(this.#last, now);
    const due = this.nextAt;
    if (due === null) return;
    if (due <= now) {
      this.#last = now;
      this.#parts.ring();
    }
    if (this.#closed) return;
    const wait = Math.min(Math.max((due <= now ? (this.nextAt ?? now) : due) - now, 1), LOOK_MS);
    this.#timer = setTimeout(() => this.#look(), wait);
  }
}
