import type { Database } from "bun:sqlite";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type {
  BlobSum,
  Claim,
  CollectableLink,
  CollectableManifest,
  CollectionReads,
  ReviewBefore,
  RepositoryRecords,
  ReviewItem,
  RunRecord,
  TrashQuery,
  TrashRecord,
} from "./collection.ts";
import type { RetentionReads } from "./retention-records.ts";
import { IS_HIDDEN, IS_MENTIONED, findHiding, unreadableOf } from "./sqlite-doubt.ts";
import type { BlobRecord, ReferenceRecord, TagRecord } from "./metadata.ts";
import { sqliteRetentionReads } from "./sqlite-retention.ts";

/** SQLite counts no further than this, and no moment lies behind it. */
const NEVER = -1;

export function sqliteCollectionReads(db: Database): CollectionReads & RetentionReads {
  const sql = statements(db);
  const readAll = (name: RepositoryName): RepositoryRecords | null => {
    const id = sql.repository.get({ name })?.id;
    if (id === undefined) return null;
    const references = new Map<Digest, ReferenceRecord[]>();
    let of: ReferenceRecord[] = [];
    let last = "";
    // Rows as arrays: of a large repository these are very many.
    for (const [manifest, role, digest, size] of sql.references.values({ id }) as ReferenceRow[]) {
      if (manifest !== last) references.set(manifest, (of = []));
      of.push({ role, digest, size });
      last = manifest;
    }
    return {
      name,
      tags: sql.tags.all({ id }),
      manifests: sql.manifests
        .all({ id })
        .map((one) => Object.assign(one, { references: references.get(one.digest) ?? [] })),
      links: sql.links.all({ id }),
      unreadable: unreadableOf(db, id),
    };
  };
  // One transaction: the writer must not come between its statements.
  const records = db.transaction(readAll);
  const times = ({ manifests, links }: ReviewBefore) => ({ manifests: manifests ?? NEVER, links });
  return {
    ...sqliteRetentionReads(db, readAll),
    async recordsOf(name) {
      return records(name);
    },
    async readReview(before, limit) {
      return sql.review.all({ ...times(before), limit }).map(({ kind, name, digest, since }) => {
        return kind === "repository" ? { kind, name, since } : { kind, name, digest, since };
      });
    },
    async countReview(before) {
      return sql.countReview.get(times(before)) as { waiting: number; due: number; oldest: number };
    },
    async listUnlinked({ last, limit }) {
      const looked = sql.unlinked.all({ last: last ?? "", limit });
      return {
        blobs: looked
          .filter(({ unlinked }) => unlinked)
          .map(({ digest, size }) => ({ digest, size })),
        next: looked.length === limit ? (looked.at(-1)?.digest ?? null) : null,
      };
    },
    async hasDoomed() {
      return sql.anyDoomed.get() !== null;
    },
    async findHiding() {
      return findHiding(db);
    },
    async standingOf(digests) {
      return digests.map((digest) => {
        if (sql.isNeeded.get({ digest })) return "needed";
        return sql.isKnown.get({ digest }) ? "unneeded" : "unknown";
      });
    },
    async holdersOf(digests) {
      return digests.map((digest) => sql.holders.get({ digest })?.count ?? 0);
    },
    async sumBlobs() {
      const going = sql.goingBlobs.get() ?? NO_BLOBS;
      return { all: sql.allBlobs.get() ?? NO_BLOBS, going };
    },
    async listClaims() {
      return sql.claims.all();
    },
    async listTrash(query) {
      const filters = FILTERS.filter((key) => query[key] !== undefined);
      const where = ["id < $before", ...filters.map((key) => `${COLUMNS[key]} = $${key}`)];
      const parameters = Object.fromEntries(filters.map((key) => [key, query[key] ?? null]));
      const { before = Number.MAX_SAFE_INTEGER, limit } = query;
      return db
        .query<TrashRecord, Record<string, string | number | null>>(
          `${TRASH} WHERE ${where.join(" AND ")} ORDER BY id DESC LIMIT $limit`,
        )
        .all({ ...parameters, before, limit });
    },
    async oldestTrash(limit) {
      return sql.oldestTrash.all({ limit });
    },
    async sumTrash() {
      return sql.sumTrash.get() as { entries: number; bytes: number };
    },
    async listRuns(limit) {
      return sql.runs.all({ limit });
    },
  };
}

const NO_BLOBS: BlobSum = { blobs: 0, bytes: 0 };

const COLUMNS = {
  repository: "repository",
  tag: "tag",
  digest: "digest",
  kind: "kind",
  run: "run",
} as const;
const FILTERS = Object.keys(COLUMNS) as (keyof typeof COLUMNS & keyof TrashQuery)[];

const TRASH = `SELECT id, run, kind, repository, tag, digest, size, media_type AS mediaType, bytes,
    made_at AS madeAt, removed_at AS removedAt, reason, removed_by AS removedBy FROM trash`;

/** Its file is on the way. An older row of the same digest is not meant. */
export const IS_LEAVING = `(kind = 'blob'
  AND EXISTS (SELECT 1 FROM blobs b WHERE b.digest = trash.digest AND b.state = 'leaving')
  AND id = (SELECT max(id) FROM trash n WHERE n.digest = trash.digest AND n.kind = 'blob'))`;

const OLD_ENOUGH = (kind: ReviewItem["kind"]): string =>
  `SELECT * FROM (SELECT kind, digest, since, repository_id FROM review
    WHERE kind = '${kind}' AND since < ${kind === "manifest" ? "$manifests" : "$links"}
    ORDER BY since LIMIT $limit)`;

const COUNT = (kind: ReviewItem["kind"]): string =>
  `(SELECT count(*) FROM review
     WHERE kind = '${kind}' AND since < ${kind === "manifest" ? "$manifests" : "$links"})`;

type OfRepository = { id: number };
type ReferenceRow = [manifest: Digest, role: ReferenceRecord["role"], digest: Digest, size: number];
type Times = { manifests: number; links: number };
type ReviewRow = {
  kind: ReviewItem["kind"];
  name: RepositoryName;
  digest: Digest;
  since: number;
};

function statements(db: Database) {
  return {
    repository: db.query<OfRepository, { name: string }>(
      "SELECT id FROM repositories WHERE name = $name",
    ),
    tags: db.query<TagRecord, OfRepository>(
      `SELECT name AS tag, digest, pushed_at AS pushedAt FROM tags
        WHERE repository_id = $id ORDER BY name`,
    ),
    manifests: db.query<Omit<CollectableManifest, "references">, OfRepository>(
      `SELECT digest, media_type AS mediaType, size, pushed_at AS pushedAt,
              max(pushed_at, seen_at) AS seenAt, untagged_at AS untaggedAt, subject,
              artifact_type AS artifactType
         FROM manifests WHERE repository_id = $id ORDER BY digest`,
    ),
    // In the order in which they are stored.
    references: db.query<unknown, OfRepository>(
      `SELECT manifest, role, digest, size FROM manifest_references
        WHERE repository_id = $id ORDER BY manifest, digest, role`,
    ),
    links: db.query<CollectableLink, OfRepository>(
      `SELECT l.digest, b.size, l.seen_at AS seenAt, l.linked_at AS linkedAt
         FROM repository_blobs l JOIN blobs b USING (digest)
        WHERE l.repository_id = $id ORDER BY l.digest`,
    ),
    review: db.query<ReviewRow, Times & { limit: number }>(
      `SELECT due.kind, r.name, due.digest, due.since
         FROM (${(["manifest", "link", "repository"] as const).map(OLD_ENOUGH).join(" UNION ALL ")}) due
         JOIN repositories r ON r.id = due.repository_id
        ORDER BY due.since LIMIT $limit`,
    ),
    countReview: db.query<unknown, Times>(
      `SELECT (SELECT count(*) FROM review) AS waiting,
              ${COUNT("manifest")} + ${COUNT("link")} + ${COUNT("repository")} AS due,
              (SELECT min(since) FROM (
                 SELECT min(since) AS since FROM review WHERE kind = 'manifest' UNION ALL
                 SELECT min(since) FROM review WHERE kind = 'link' UNION ALL
                 SELECT min(since) FROM review WHERE kind = 'repository')) AS oldest`,
    ),
    unlinked: db.query<BlobRecord & { unlinked: 0 | 1 }, { last: string; limit: number }>(
      `SELECT digest, size, state = 'live'
              AND NOT EXISTS (SELECT 1 FROM repository_blobs l WHERE l.digest = b.digest)
              AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.digest = b.digest)
              AND NOT ${IS_MENTIONED("b.digest")} AS unlinked
         FROM blobs b WHERE digest > $last ORDER BY digest LIMIT $limit`,
    ),
    anyDoomed: db.query<{ one: 1 }, []>(
      `SELECT 1 AS one FROM blobs WHERE state <> 'live' AND state = 'doomed' AND NOT ${IS_HIDDEN}
        LIMIT 1`,
    ),
    isNeeded: db.query<{ one: 1 }, { digest: Digest }>(
      `SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM repository_blobs WHERE digest = $digest)
          OR EXISTS (SELECT 1 FROM manifests WHERE digest = $digest)
          OR ${IS_MENTIONED("$digest")}`,
    ),
    isKnown: db.query<{ one: 1 }, { digest: Digest }>(
      "SELECT 1 AS one FROM blobs WHERE digest = $digest",
    ),
    holders: db.query<{ count: number }, { digest: Digest }>(
      `SELECT (SELECT count(*) FROM repository_blobs WHERE digest = $digest)
            + (SELECT count(*) FROM manifests WHERE digest = $digest) AS count`,
    ),
    allBlobs: db.query<BlobSum, []>(
      "SELECT count(*) AS blobs, coalesce(sum(size), 0) AS bytes FROM blobs",
    ),
    goingBlobs: db.query<BlobSum, []>(
      `SELECT count(*) AS blobs, coalesce(sum(size), 0) AS bytes FROM blobs WHERE state <> 'live'`,
    ),
    claims: db.query<Claim, []>(
      `SELECT t.id, t.digest, t.size FROM blobs b JOIN trash t ON t.id =
          (SELECT max(id) FROM trash n WHERE n.digest = b.digest AND n.kind = 'blob')
        WHERE b.state <> 'live' AND b.state = 'leaving' ORDER BY t.id`,
    ),
    oldestTrash: db.query<TrashRecord, { limit: number }>(
      `${TRASH} WHERE NOT ${IS_LEAVING} ORDER BY id LIMIT $limit`,
    ),
    sumTrash: db.query<unknown, []>(
      `SELECT (SELECT count(*) FROM trash) AS entries,
              (SELECT coalesce(sum(size), 0) FROM trash WHERE kind = 'blob') AS bytes`,
    ),
    runs: db.query<RunRecord, { limit: number }>(
      `SELECT id, started_at AS startedAt, ended_at AS endedAt, report FROM runs
        ORDER BY id DESC LIMIT $limit`,
    ),
  };
}
