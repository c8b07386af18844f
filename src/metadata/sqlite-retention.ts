import type { Database } from "bun:sqlite";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { RepositoryRecords } from "./collection.ts";
import { PULLS_SINCE } from "./retention-records.ts";
import type {
  Ancestor,
  RetentionReads,
  RetentionRecords,
  RetentionWrites,
} from "./retention-records.ts";

/** A config that does not say when its image was built. */
const NOT_SAID = -1;

/** `recordsOf`: within the transaction that is open. */
export function sqliteRetentionReads(
  db: Database,
  recordsOf: (name: RepositoryName) => RepositoryRecords | null,
): RetentionReads {
  const pulled = db.query<{ digest: Digest; at: number }, { name: string }>(
    `SELECT digest, pulled_at AS at FROM manifests
      WHERE repository_id = (SELECT id FROM repositories WHERE name = $name)
        AND pulled_at IS NOT NULL`,
  );
  const notes = db.query<{ digest: Digest; created: string }, { name: string }>(
    `SELECT digest, created FROM (
       SELECT digest, annotations ->> '$."org.opencontainers.image.created"' AS created
         FROM manifests
        WHERE repository_id = (SELECT id FROM repositories WHERE name = $name)
          AND annotations IS NOT NULL)
      WHERE created IS NOT NULL`,
  );
  const since = db.query<{ value: string }, { key: string }>(
    "SELECT value FROM settings WHERE key = $key",
  );
  const built = db.query<{ builtAt: number | null }, { digest: string }>(
    "SELECT built_at AS builtAt FROM blobs WHERE digest = $digest",
  );
  const lineage = db.query<Ancestor, { name: string; digest: string }>(
    `WITH RECURSIVE here(id) AS (SELECT id FROM repositories WHERE name = $name),
       above(digest) AS (
         SELECT $digest
         UNION SELECT r.manifest FROM above CROSS
                 JOIN manifest_references r ON r.repository_id = (SELECT id FROM here)
                  AND r.digest = above.digest
         UNION SELECT m.subject FROM above CROSS
                 JOIN manifests m ON m.repository_id = (SELECT id FROM here)
                  AND m.digest = above.digest
                WHERE m.subject IS NOT NULL)
     SELECT digest, (SELECT c.digest FROM manifest_references c
                      WHERE c.repository_id = (SELECT id FROM here) AND c.manifest = above.digest
                        AND c.role = 'config') AS config
       FROM above`,
  );
  const records = db.transaction((name: RepositoryName): RetentionRecords | null => {
    const found = recordsOf(name);
    return (
      found && {
        ...found,
        pullsSince: sinceOf(since.get({ key: PULLS_SINCE })?.value),
        pulled: new Map(pulled.all({ name }).map(({ digest, at }) => [digest, at])),
        createdNotes: new Map(notes.all({ name }).map((one) => [one.digest, one.created])),
      }
    );
  });
  return {
    async lineageOf(name, digest) {
      return lineage.all({ name, digest });
    },
    async retentionRecordsOf(name) {
      return records(name);
    },
    async builtOf(configs) {
      return configs.map((digest) => {
        const at = built.get({ digest })?.builtAt ?? undefined;
        return at === NOT_SAID ? null : at;
      });
    },
  };
}

function sinceOf(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}

/** The writing half, each as the body of a transaction that is open. */
type Writes = {
  [K in keyof RetentionWrites]: (
    ...parameters: Parameters<RetentionWrites[K]>
  ) => Awaited<ReturnType<RetentionWrites[K]>>;
};

export function sqliteRetentionWrites(db: Database): Writes {
  const pull = db.query(
    `UPDATE manifests SET pulled_at = $at
      WHERE repository_id = (SELECT id FROM repositories WHERE name = $name) AND digest = $digest
        AND (pulled_at IS NULL OR pulled_at < $at)`,
  );
  const build = db.query("UPDATE blobs SET built_at = $at WHERE digest = $digest");
  return {
    recordPulls(pulls) {
      for (const { name, digest, at } of pulls) pull.run({ name, digest, at });
    },
    recordBuilt(configs) {
      for (const { digest, builtAt } of configs) build.run({ digest, at: builtAt ?? NOT_SAID });
    },
  };
}

/** When a manifest that comes back was pulled last, before it went into the trash. */
export const PULLED_BEFORE = `(SELECT max(pulled_at) FROM trash
  WHERE digest = $digest AND kind = 'manifest' AND repository = $name)`;
