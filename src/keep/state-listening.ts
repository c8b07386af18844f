import type { Database } from "bun:sqlite";

/** After a longer silence of ours a registry may have given up to tell, or have been restarted. */
const GAP_MS = 15 * 60_000;
/** After a longer silence of the registry nobody knows whether it still tells. */
const SILENT_MS = 7 * 24 * 3_600_000;
/** Between two notes of a registry's last word. */
const NOTED_MS = 3_600_000;

interface Row {
  readonly since: number;
  readonly alive_at: number;
  readonly heard_at: number;
}

/**
 * Since when all pulls of a registry are known. Only then does a pull that is not known say that there was
 * none: a registry that does not tell of pulls, that stopped to, or that told while nobody listened, has
 * images that are used and seem not to be. Doubt is always "nobody knows".
 */
export class Listening {
  constructor(readonly db: Database) {}

  /** A registry told of something, in a way that can be believed. The first pull begins its account. */
  heard(registry: string, pull: boolean, now: number): void {
    const row = this.#row(registry);
    if (row && now - row.heard_at < NOTED_MS && now >= row.heard_at) return;
    if (!row && !pull) return;
    this.db.run(
      `INSERT INTO listening (registry, since, alive_at, heard_at) VALUES (?1, ?2, ?2, ?2)
       ON CONFLICT DO UPDATE SET heard_at = ?2`,
      [registry, now],
    );
  }

  /** Somebody is there to hear. At a start, too: what was told while nobody was is lost after a while. */
  beat(now: number): void {
    this.db.run(
      `UPDATE listening SET
         since = CASE WHEN abs(?1 - alive_at) > ?2 THEN ?1 ELSE min(since, ?1) END,
         alive_at = ?1, heard_at = min(heard_at, ?1)`,
      [now, GAP_MS],
    );
  }

  /** Pulls were forgotten: the account of every registry begins anew. */
  lost(now: number): void {
    this.db.run("UPDATE listening SET since = ?1", [now]);
  }

  /** UTC milliseconds; null: nobody knows. */
  since(registry: string, now: number): number | null {
    const row = this.#row(registry);
    if (!row || now - row.alive_at > GAP_MS || now - row.heard_at > SILENT_MS) return null;
    return row.since;
  }

  #row(registry: string): Row | null {
    return this.db
      .query("SELECT since, alive_at, heard_at FROM listening WHERE registry = ?1")
      .get(registry) as Row | null;
  }
}
