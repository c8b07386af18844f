import type { Database } from "bun:sqlite";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { JournalEntry } from "./journal.ts";
import { IS_MENTIONED, IS_UNREADABLE } from "./sqlite-doubt.ts";

/** Why something goes, as its row in the trash will say. */
export interface Removal {
  readonly run: number | null;
  readonly at: number;
  readonly reason: string;
  readonly by: string | null;
}

/** What is removed and what may be garbage then, in the transaction that is open. */
export type Garbage = ReturnType<typeof sqliteGarbage>;

/**
 * How things go, whoever removes them: into the trash, out of the tables, into the journal, and what hung
 * on them is put up for review. A blob that nobody links any more is doomed.
 */
export function sqliteGarbage(db: Database) {
  const sql = statements(db);
  const journal = (entry: JournalEntry): void => {
    sql.addJournal.run({ entry: JSON.stringify(entry) });
  };

  const doomUnlinked = (digest: Digest): void => {
    sql.doomUnlinked.run({ digest });
  };

  /** The manifests, links and referrers that a manifest may have kept. */
  const reviewBelow = (id: number, digest: Digest): void => {
    sql.reviewLinks.run({ id, digest });
    sql.reviewChildren.run({ id, digest });
    sql.reviewReferrers.run({ id, digest });
  };

  /** See `reviewRepository` in collection.ts. */
  const reviewAll = (id: number): number =>
    [sql.reviewAllManifests, sql.reviewAllLinks, sql.reviewEmpty].reduce(
      (sum, query) => sum + query.run({ id }).changes,
      0,
    );

  /** Something of the repository could not be read or understood: all of it is kept. */
  const isUnreadable = (id: number): boolean => sql.isUnreadable.get({ id }) !== null;

  /** An empty repository is looked at, too. */
  const reviewIfEmpty = (id: number, since: number): void => {
    if (sql.isEmpty.get({ id }) !== null)
      sql.review.run({ id, kind: "repository", digest: "", since });
  };

  /** False when there is something in it. */
  const forgetIfEmpty = (id: number): boolean => {
    if (sql.isEmpty.get({ id }) === null) return false;
    // Its id may be given to another one.
    for (const query of [
      sql.removeAllHistory,
      sql.unreviewAll,
      sql.forgetMentions,
      sql.removeRepository,
    ]) {
      query.run({ id });
    }
    return true;
  };

  return {
    doomUnlinked,
    reviewBelow,
    reviewIfEmpty,

    review(id: number, kind: "manifest" | "link", digest: Digest, since: number): void {
      sql.review.run({ id, kind, digest, since });
    },

    /** A manifest that names it was pushed. */
    unreview(id: number, digest: Digest): void {
      sql.unreview.run({ id, digest });
    },

    /** A tag names it. */
    unreviewManifest(id: number, digest: Digest): void {
      sql.unreviewManifest.run({ id, digest });
    },

    reviewAll,
    isUnreadable,

    /** The tag named it until now: was it the last one, its age begins to count. */
    untag(id: number, digest: Digest, at: number): void {
      if (sql.untag.run({ id, digest, at }).changes > 0) {
        sql.review.run({ id, kind: "manifest", digest, since: at });
      }
    },

    trashTag(id: number, name: RepositoryName, tag: Tag, { run, at, reason, by }: Removal): void {
      sql.trashTag.run({ id, name, tag, run, at, reason, by });
    },

    /** No tag names it any more. */
    dropManifest(id: number, name: RepositoryName, digest: Digest, removal: Removal): void {
      const { run, at, reason, by } = removal;
      sql.trashManifest.run({ id, name, digest, run, at, reason, by });
      const inDoubt = sql.isInDoubt.get({ id, digest }) !== null;
      reviewBelow(id, digest);
      sql.removeReferences.run({ id, digest });
      sql.removeManifest.run({ id, digest });
      sql.unreviewManifest.run({ id, digest });
      for (const { tag } of sql.history.all({ id, digest })) {
        sql.removeHistory.run({ id, tag, digest });
        journal({ op: "forget-tagged", name, tag, digest });
      }
      journal({ op: "remove-manifest", name, digest });
      doomUnlinked(digest);
      reviewIfEmpty(id, at);
      // Was it for this one that all was kept, all may be garbage.
      if (inDoubt && !isUnreadable(id)) reviewAll(id);
    },

    dropLink(id: number, name: RepositoryName, digest: Digest, removal: Removal): void {
      const { run, at, reason, by } = removal;
      sql.trashLink.run({ id, name, digest, run, at, reason, by });
      sql.removeLink.run({ id, digest });
      sql.unreviewLink.run({ id, digest });
      journal({ op: "unlink-layer", name, digest });
      sql.reviewSame.run({ id, digest });
      doomUnlinked(digest);
      reviewIfEmpty(id, at);
    },

    forgetIfEmpty,

    /** The same, and from the tree. */
    dropIfEmpty(id: number, name: RepositoryName): boolean {
      if (!forgetIfEmpty(id)) return false;
      journal({ op: "remove-repository", name });
      return true;
    },
  };
}

/**
 * Of a blob that is known already and that something wants now: the size of its new file counts, and it
 * is doomed no more. One that is leaving goes on doing so: whoever settles that finds that it is wanted.
 */
export const REVIVE = `ON CONFLICT (digest) DO UPDATE
  SET size = excluded.size, state = CASE state WHEN 'doomed' THEN 'live' ELSE state END
  WHERE size <> excluded.size OR state = 'doomed'`;

type Named = { id: number; digest: string };
type Gone = { run: number | null; at: number; reason: string; by: string | null; name: string };

/** The moment from which the age of a manifest counts. */
export const MANIFEST_SINCE = "max(m.pushed_at, m.seen_at, coalesce(m.untagged_at, 0))";

/** The earlier moment counts; a row that would stay the same is not written. */
const EARLIER = "ON CONFLICT DO UPDATE SET since = excluded.since WHERE since > excluded.since";

const UNTAGGED = `NOT EXISTS (SELECT 1 FROM tags t
  WHERE t.repository_id = m.repository_id AND t.digest = m.digest)`;

const EMPTY = `NOT EXISTS (SELECT 1 FROM repository_blobs WHERE repository_id = $id)
  AND NOT EXISTS (SELECT 1 FROM manifests WHERE repository_id = $id)
  AND NOT EXISTS (SELECT 1 FROM tags WHERE repository_id = $id)`;

function statements(db: Database) {
  return {
    addJournal: db.query("INSERT INTO journal (entry) VALUES ($entry)"),
    doomUnlinked: db.query(
      `UPDATE blobs SET state = 'doomed' WHERE digest = $digest AND state = 'live'
        AND NOT EXISTS (SELECT 1 FROM repository_blobs WHERE digest = $digest)
        AND NOT EXISTS (SELECT 1 FROM manifests WHERE digest = $digest)
        AND NOT ${IS_MENTIONED("$digest")}`,
    ),
    review: db.query(
      `INSERT INTO review (repository_id, kind, digest, since) VALUES ($id, $kind, $digest, $since)
        ${EARLIER}`,
    ),
    unreview: db.query("DELETE FROM review WHERE repository_id = $id AND digest = $digest"),
    unreviewManifest: db.query(
      "DELETE FROM review WHERE repository_id = $id AND digest = $digest AND kind = 'manifest'",
    ),
    unreviewLink: db.query(
      "DELETE FROM review WHERE repository_id = $id AND digest = $digest AND kind = 'link'",
    ),
    unreviewAll: db.query("DELETE FROM review WHERE repository_id = $id"),
    reviewLinks: db.query(
      `INSERT INTO review (repository_id, kind, digest, since)
       SELECT l.repository_id, 'link', l.digest, l.seen_at
         FROM manifest_references r
         JOIN repository_blobs l ON l.repository_id = r.repository_id AND l.digest = r.digest
        WHERE r.repository_id = $id AND r.manifest = $digest
       ${EARLIER}`,
    ),
    // Something else that a manifest took for a layer is looked up when that layer's link goes: nearly all
    // layers are no manifests, and to look for each of them costs more than all the rest.
    reviewChildren: db.query(
      `INSERT INTO review (repository_id, kind, digest, since)
       SELECT m.repository_id, 'manifest', m.digest, ${MANIFEST_SINCE}
         FROM manifest_references r
         JOIN manifests m ON m.repository_id = r.repository_id AND m.digest = r.digest
        WHERE r.repository_id = $id AND r.manifest = $digest AND ${UNTAGGED}
          AND (r.role = 'child' OR NOT EXISTS (SELECT 1 FROM repository_blobs l
                WHERE l.repository_id = $id AND l.digest = r.digest))
       ${EARLIER}`,
    ),
    // By the digest: the next statement needs the same page.
    reviewSame: db.query(
      `INSERT INTO review (repository_id, kind, digest, since)
       SELECT m.repository_id, 'manifest', m.digest, ${MANIFEST_SINCE}
         FROM manifests m INDEXED BY manifests_digest
        WHERE m.digest = $digest AND m.repository_id = $id AND ${UNTAGGED}
       ${EARLIER}`,
    ),
    reviewReferrers: db.query(
      `INSERT INTO review (repository_id, kind, digest, since)
       SELECT m.repository_id, 'manifest', m.digest, ${MANIFEST_SINCE} FROM manifests m
        WHERE m.repository_id = $id AND m.subject = $digest AND ${UNTAGGED}
       ${EARLIER}`,
    ),
    reviewAllManifests: db.query(
      `INSERT INTO review (repository_id, kind, digest, since)
       SELECT m.repository_id, 'manifest', m.digest, ${MANIFEST_SINCE} FROM manifests m
        WHERE m.repository_id = $id AND ${UNTAGGED}
          AND NOT EXISTS (SELECT 1 FROM manifest_references r
                CROSS JOIN tags t ON t.repository_id = r.repository_id AND t.digest = r.manifest
               WHERE r.repository_id = $id AND r.digest = m.digest)
       ${EARLIER}`,
    ),
    reviewAllLinks: db.query(
      `INSERT INTO review (repository_id, kind, digest, since)
       SELECT l.repository_id, 'link', l.digest, l.seen_at FROM repository_blobs l
        WHERE l.repository_id = $id
          AND NOT EXISTS (SELECT 1 FROM manifest_references r
               WHERE r.repository_id = $id AND r.digest = l.digest)
       ${EARLIER}`,
    ),
    reviewEmpty: db.query(
      `INSERT INTO review (repository_id, kind, digest, since)
       SELECT $id, 'repository', '', 0 WHERE ${EMPTY} ${EARLIER}`,
    ),
    untag: db.query(
      `UPDATE manifests AS m SET untagged_at = $at
        WHERE repository_id = $id AND digest = $digest AND ${UNTAGGED}`,
    ),
    trashTag: db.query<unknown, Gone & { id: number; tag: string }>(
      `INSERT INTO trash (run, kind, repository, tag, digest, size, media_type, made_at, removed_at,
                          reason, removed_by)
       SELECT $run, 'tag', $name, t.name, t.digest, coalesce(m.size, 0), m.media_type, t.pushed_at, $at,
              $reason, $by
         FROM tags t LEFT JOIN manifests m ON m.repository_id = t.repository_id AND m.digest = t.digest
        WHERE t.repository_id = $id AND t.name = $tag`,
    ),
    trashManifest: db.query<unknown, Gone & Named>(
      `INSERT INTO trash (run, kind, repository, digest, size, media_type, made_at, removed_at, reason,
                          removed_by, bytes, pulled_at)
       SELECT $run, 'manifest', $name, digest, size, media_type, pushed_at, $at, $reason, $by, bytes,
              pulled_at
         FROM manifests WHERE repository_id = $id AND digest = $digest`,
    ),
    trashLink: db.query<unknown, Gone & Named>(
      `INSERT INTO trash (run, kind, repository, digest, size, made_at, removed_at, reason, removed_by)
       SELECT $run, 'link', $name, l.digest, b.size, l.linked_at, $at, $reason, $by
         FROM repository_blobs l JOIN blobs b USING (digest)
        WHERE l.repository_id = $id AND l.digest = $digest`,
    ),
    removeReferences: db.query(
      "DELETE FROM manifest_references WHERE repository_id = $id AND manifest = $digest",
    ),
    removeManifest: db.query(
      "DELETE FROM manifests WHERE repository_id = $id AND digest = $digest",
    ),
    // Two statements: RETURNING would read all history of the repository.
    history: db.query<{ tag: Tag }, Named>(
      "SELECT tag FROM tag_history WHERE repository_id = $id AND digest = $digest",
    ),
    removeHistory: db.query(
      "DELETE FROM tag_history WHERE repository_id = $id AND tag = $tag AND digest = $digest",
    ),
    removeAllHistory: db.query("DELETE FROM tag_history WHERE repository_id = $id"),
    removeLink: db.query(
      "DELETE FROM repository_blobs WHERE repository_id = $id AND digest = $digest",
    ),
    isUnreadable: db.query<{ id: number }, { id: number }>(
      `SELECT $id AS id WHERE ${IS_UNREADABLE("$id")}`,
    ),
    isInDoubt: db.query<{ one: 1 }, Named>(
      `SELECT 1 AS one FROM manifests
        WHERE repository_id = $id AND digest = $digest AND doubt IS NOT NULL`,
    ),
    isEmpty: db.query<{ id: number }, { id: number }>(`SELECT $id AS id WHERE ${EMPTY}`),
    forgetMentions: db.query("DELETE FROM mentions WHERE repository_id = $id"),
    removeRepository: db.query("DELETE FROM repositories WHERE id = $id"),
  };
}
