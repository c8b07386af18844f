import type { Database } from "bun:sqlite";

const HOUR = 3_600_000;

/** A clock that has gone on for so long where it was set is taken for the right one. */
const SETTLED_MS = 7 * 24 * HOUR;

/**
 * Whether this machine's clock can be believed when times are to be remembered. One that was set back, as
 * after a start without a battery, would make of all that is first seen then something old, for ever: once
 * it is right again, retention would let it go.
 *
 * So while the clock is behind the last look at a registry nothing is written down. Which of the two looks
 * had the wrong clock nobody knows; but the wrong one does not last.
 */
export class StateClock {
  readonly #db: Database;
  /** The last look at a registry. */
  readonly #latest = new Map<string, number>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** Inside of a transaction. `settled`: it was behind, is believed from now on, and the other one was wrong. */
  look(registry: string, now: number): "right" | "behind" | "settled" {
    const latest = this.#latestOf(registry);
    if (now >= latest - HOUR) {
      this.#latest.set(registry, Math.max(latest, now));
      // Nearly always there is none, and nothing is written.
      if (this.#since(registry) !== null) this.#forget(registry);
      return "right";
    }
    const since = this.#since(registry);
    if (since === null || now < since - HOUR) {
      this.#db
        .query("INSERT INTO behind VALUES (?1, ?2) ON CONFLICT DO UPDATE SET since = ?2")
        .run(registry, now);
      return "behind";
    }
    if (now - since < SETTLED_MS) return "behind";
    this.#forget(registry);
    this.#latest.set(registry, now);
    return "settled";
  }

  #latestOf(registry: string): number {
    const known = this.#latest.get(registry);
    if (known !== undefined) return known;
    const { latest } = this.#db
      .query("SELECT max(listed_at) AS latest FROM tags WHERE registry = ?1")
      .get(registry) as { latest: number | null };
    this.#latest.set(registry, latest ?? 0);
    return latest ?? 0;
  }

  #since(registry: string): number | null {
    const row = this.#db.query("SELECT since FROM behind WHERE registry = ?1").get(registry);
    return (row as { since: number } | null)?.since ?? null;
  }

  #forget(registry: string): void {
    this.#db.query("DELETE FROM behind WHERE registry = ?1").run(registry);
  }
}
