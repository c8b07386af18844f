/** What can be done with a registry: applying its retention, and collecting its garbage; in this order. */
export const KINDS = ["prune", "collect"] as const;
export type Kind = (typeof KINDS)[number];

/** What becomes of a wish: it begins now, it is what goes on or waits already, or it waits its turn. */
export type Answer = "begins" | "joins" | "waits";

/** Of one registry: one thing at a time, each of them waiting at most once. Pure but for what it remembers. */
export class Queue {
  #running: Kind | null = null;
  readonly #waiting = new Set<Kind>();

  get running(): Kind | null {
    return this.#running;
  }

  get waiting(): readonly Kind[] {
    return KINDS.filter((kind) => this.#waiting.has(kind));
  }

  /** `anew`: what goes on may have looked already at what this is about, so it does not do. */
  ask(kind: Kind, anew = false): Answer {
    if (this.#running === kind && !anew) return "joins";
    if (this.#waiting.has(kind)) return "joins";
    this.#waiting.add(kind);
    return this.#running === null ? "begins" : "waits";
  }

  /** Takes what is next, if nothing goes on. */
  begin(): Kind | null {
    if (this.#running !== null) return null;
    const next = this.waiting[0] ?? null;
    if (next === null) return null;
    this.#waiting.delete(next);
    this.#running = next;
    return next;
  }

  end(): void {
    this.#running = null;
  }
}
