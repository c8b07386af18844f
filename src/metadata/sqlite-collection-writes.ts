import type { Database } from "bun:sqlite";
import type { RepositoryName } from "../oci/name.ts";
import type { Claim, CollectionWrites, Seen, TrashRecord } from "./collection.ts";
import { IS_LEAVING } from "./sqlite-collection-reads.ts";
import { sqliteCollect } from "./sqlite-collect.ts";
import { IS_HIDDEN, IS_MENTIONED } from "./sqlite-doubt.ts";
import { sqliteClear } from "./sqlite-clear.ts";
import type { Garbage } from "./sqlite-garbage.ts";

/** The writing half, each as the body of a transaction that is open. */
type Writes = {
  [K in keyof CollectionWrites]: (
    ...parameters: Parameters<CollectionWrites[K]>
  ) => Awaited<ReturnType<CollectionWrites[K]>>;
};

/** Runs that are remembered. */
const RUNS = 100;

export function sqliteCollectionWrites(db: Database, garbage: Garbage): Writes {
  const sql = statements(db);
  const repositoryId = (name: RepositoryName): number | null =>
    sql.repository.get({ name })?.id ?? null;

  const see = ({ kind, name, digest, at }: Seen): boolean => {
    const id = repositoryId(name);
    if (id === null) return false;
    const query = kind === "manifest" ? sql.seeManifest : sql.seeLink;
    return query.run({ id, digest, at }).changes > 0;
  };

  /** Of a blob that is on its way back, this is the end. */
  const removeTrash = (id: number): void => {
    sql.bringBack.run({ id });
    sql.removeTrash.run({ id });
  };

  return {
    see(seen) {
      return seen.map(see);
    },

    review(items) {
      for (const item of items) {
        const id = repositoryId(item.name);
        if (id === null) continue;
        if (item.kind === "repository") garbage.reviewIfEmpty(id, item.since);
        else garbage.review(id, item.kind, item.digest, item.since);
      }
    },

    reviewRepository(name) {
      const id = repositoryId(name);
      return id === null ? 0 : garbage.reviewAll(id);
    },

    collect: sqliteCollect(db, garbage),
    clear: sqliteClear(db, garbage),

    doom(blobs, at) {
      for (const { digest, size } of blobs) {
        // A repository names it that has lost its link, or could not be read.
        if (sql.isMentioned.get({ digest })) continue;
        sql.addBlob.run({ digest, size, at });
        garbage.doomUnlinked(digest);
      }
    },

    claim(limit, except, { run, now: at }) {
      const claimed = sql.doomed.all({ limit, except: JSON.stringify(except) });
      return claimed.map(({ digest, size }): Claim => {
        sql.leave.run({ digest });
        const added = sql.trashBlob.run({ digest, size, run, at });
        return { id: Number(added.lastInsertRowid), digest, size };
      });
    },

    settle(claims) {
      return claims.map(({ id, digest, moved }) => {
        if (sql.isWanted.get({ digest })) {
          if (!moved) removeTrash(id);
          return "returned";
        }
        if (sql.forgetBlob.run({ id, digest }).changes > 0 && !moved) removeTrash(id);
        return "trashed";
      });
    },

    removeTrash(ids) {
      ids.forEach(removeTrash);
    },

    addTrash(records) {
      return records.map((record) => {
        const row: Omit<TrashRecord, "id"> & { id?: number } = { ...record };
        delete row.id;
        return Number(sql.addTrash.run(row).lastInsertRowid);
      });
    },

    passTrash(id) {
      if (sql.raiseTrash.run({ id }).changes === 0) sql.beginTrash.run({ id });
    },

    startRun(at) {
      const id = Number(sql.startRun.run({ at }).lastInsertRowid);
      sql.forgetRuns.run({ before: id - RUNS });
      return id;
    },
    endRun(id, at, report) {
      sql.endRun.run({ id, at, report });
    },
  };
}

type Named = { id: number; digest: string };

const WANTED = (digest: string): string =>
  `(EXISTS (SELECT 1 FROM repository_blobs l WHERE l.digest = ${digest})
    OR EXISTS (SELECT 1 FROM manifests m WHERE m.digest = ${digest}))`;

function statements(db: Database) {
  return {
    repository: db.query<{ id: number }, { name: string }>(
      "SELECT id FROM repositories WHERE name = $name",
    ),
    seeManifest: db.query(
      `UPDATE manifests SET seen_at = max(seen_at, $at)
        WHERE repository_id = $id AND digest = $digest`,
    ),
    seeLink: db.query(
      `UPDATE repository_blobs SET seen_at = max(seen_at, $at)
        WHERE repository_id = $id AND digest = $digest`,
    ),
    isMentioned: db.query<{ one: 1 }, { digest: string }>(
      `SELECT 1 AS one WHERE ${IS_MENTIONED("$digest")}`,
    ),
    addBlob: db.query(
      "INSERT OR IGNORE INTO blobs (digest, size, created_at) VALUES ($digest, $size, $at)",
    ),
    // The first condition is that of the index. What the tree has yet to follow may bring the file, or
    // take a link that still leads to it. `+`: what is indexed there has no affinity.
    doomed: db.query<Pick<Claim, "digest" | "size">, { limit: number; except: string }>(
      `SELECT digest, size FROM blobs
        WHERE state <> 'live' AND state = 'doomed'
          AND digest NOT IN (SELECT value FROM json_each($except))
          AND NOT ${IS_HIDDEN} AND NOT ${IS_MENTIONED("blobs.digest")}
          AND digest NOT IN (SELECT digest FROM contents)
          AND NOT EXISTS (SELECT 1 FROM journal WHERE entry ->> '$.digest' = +blobs.digest)
        ORDER BY digest LIMIT $limit`,
    ),
    leave: db.query("UPDATE blobs SET state = 'leaving' WHERE digest = $digest"),
    trashBlob: db.query(
      `INSERT INTO trash (run, kind, digest, size, made_at, removed_at, reason)
       SELECT $run, 'blob', digest, $size, created_at, $at, 'no repository has it'
         FROM blobs WHERE digest = $digest`,
    ),
    isWanted: db.query<{ one: 1 }, { digest: string }>(
      `SELECT 1 AS one WHERE ${WANTED("$digest")}`,
    ),
    bringBack: db.query(
      `UPDATE blobs SET state = 'live'
        WHERE state = 'leaving' AND ${WANTED("blobs.digest")}
          AND digest = (SELECT digest FROM trash WHERE id = $id AND kind = 'blob')
          AND $id = (SELECT max(id) FROM trash t WHERE t.digest = blobs.digest AND t.kind = 'blob')`,
    ),
    // A later claim of the same digest is not ended by an earlier one.
    forgetBlob: db.query<unknown, Named>(
      `DELETE FROM blobs WHERE digest = $digest AND state = 'leaving'
        AND $id = (SELECT max(id) FROM trash WHERE digest = $digest AND kind = 'blob')`,
    ),
    removeTrash: db.query(`DELETE FROM trash WHERE id = $id AND NOT ${IS_LEAVING}`),
    addTrash: db.query(
      `INSERT INTO trash (run, kind, repository, tag, digest, size, media_type, made_at, removed_at,
                          reason, removed_by, bytes)
       VALUES ($run, $kind, $repository, $tag, $digest, $size, $mediaType, $madeAt, $removedAt,
               $reason, $removedBy, $bytes)`,
    ),
    // AUTOINCREMENT counts in this table, which has a row for what was ever inserted into.
    raiseTrash: db.query("UPDATE sqlite_sequence SET seq = max(seq, $id) WHERE name = 'trash'"),
    beginTrash: db.query("INSERT INTO sqlite_sequence (name, seq) VALUES ('trash', $id)"),
    startRun: db.query("INSERT INTO runs (started_at) VALUES ($at)"),
    forgetRuns: db.query("DELETE FROM runs WHERE id <= $before"),
    endRun: db.query("UPDATE runs SET ended_at = $at, report = $report WHERE id = $id"),
  };
}
