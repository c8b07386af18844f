import type { Database } from "bun:sqlite";
import type { Kind } from "./queue.ts";

/** What a job of a registry did last. UTC milliseconds. */
export interface Past {
  /** Since when anybody knows of it. */
  readonly since: number;
  /** Null: it never did. */
  readonly beganAt: number | null;
  /** Null: it goes on, or was cut off. */
  readonly endedAt: number | null;
  readonly outcome: string | null;
  readonly succeededAt: number | null;
  readonly result: unknown;
}

/** What was asked for and is not done. `deletes`: a collection, when no more deletes are told of. */
export type WishKind = Kind | "deletes";

export interface Wish {
  readonly kind: WishKind;
  readonly firstAt: number;
  readonly lastAt: number;
}

interface Row {
  readonly since: number;
  readonly began_at: number | null;
  readonly ended_at: number | null;
  readonly outcome: string | null;
  readonly succeeded_at: number | null;
  readonly result: string | null;
}

/** Runs and wishes in the state. Every change is durable when it returns. */
export class Jobs {
  constructor(readonly db: Database) {}

  /** Of a job that nobody knew, it is known from now on. */
  past(registry: string, kind: Kind, now: number): Past {
    // Asked for at every look at the metrics: only the first time it writes.
    const row = this.#job(registry, kind) ?? this.#begin(registry, kind, now);
    return {
      since: row.since,
      beganAt: row.began_at,
      endedAt: row.ended_at,
      outcome: row.outcome,
      succeededAt: row.succeeded_at,
      result: row.result === null ? null : (JSON.parse(row.result) as unknown),
    };
  }

  #job(registry: string, kind: Kind): Row | null {
    return this.db
      .query("SELECT * FROM jobs WHERE registry = ?1 AND kind = ?2")
      .get(registry, kind) as Row | null;
  }

  #begin(registry: string, kind: Kind, now: number): Row {
    return this.db
      .query(
        `INSERT INTO jobs (registry, kind, since) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET since = since RETURNING *`,
      )
      .get(registry, kind, now) as Row;
  }

  /** It begins. What was wished for stays so until it has ended: it may be cut off. */
  began(registry: string, kind: Kind, at: number): void {
    this.db.transaction(() => {
      this.#wish(registry, kind, at);
      // All deletes that were told of until now are before this collection.
      if (kind === "collect") this.fulfil(registry, "deletes");
      this.db.run(
        `INSERT INTO jobs (registry, kind, since, began_at) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT DO UPDATE SET began_at = ?3, ended_at = NULL, outcome = NULL`,
        [registry, kind, at],
      );
    })();
  }

  /** It ended. `open`: it stopped before its end, and goes on after a restart. */
  ended(registry: string, kind: Kind, { at, outcome, good, open, result }: Ending): void {
    this.db.transaction(() => {
      if (!open) this.fulfil(registry, kind);
      this.db.run(
        `UPDATE jobs SET ended_at = ?3, outcome = ?4, result = ?5,
           succeeded_at = CASE WHEN ?6 THEN ?3 ELSE succeeded_at END
         WHERE registry = ?1 AND kind = ?2`,
        [registry, kind, at, outcome, JSON.stringify(result), good ? 1 : 0],
      );
    })();
  }

  wish(registry: string, kind: WishKind, at: number): void {
    this.#wish(registry, kind, at);
  }

  wishes(registry: string): Wish[] {
    return this.db
      .query(
        `SELECT kind, first_at AS firstAt, last_at AS lastAt FROM wishes
         WHERE registry = ?1 ORDER BY first_at`,
      )
      .all(registry) as Wish[];
  }

  fulfil(registry: string, kind: WishKind): void {
    this.db.run("DELETE FROM wishes WHERE registry = ?1 AND kind = ?2", [registry, kind]);
  }

  #wish(registry: string, kind: WishKind, at: number): void {
    this.db.run(
      `INSERT INTO wishes (registry, kind, first_at, last_at) VALUES (?1, ?2, ?3, ?3)
       ON CONFLICT DO UPDATE SET last_at = max(last_at, ?3)`,
      [registry, kind, at],
    );
  }
}

export interface Ending {
  readonly at: number;
  readonly outcome: string;
  /** Whether all was done that there was to do. */
  readonly good: boolean;
  readonly open: boolean;
  readonly result: unknown;
}
