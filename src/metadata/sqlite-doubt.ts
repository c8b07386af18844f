import type { Database } from "bun:sqlite";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { blobPath } from "../storage/tree.ts";
import type { Damage, KnownRepository, RepositorySnapshot } from "./metadata.ts";

/**
 * What of repositories could not be read or understood, as rows: they are kept whole, and what they
 * mention keeps its bytes.
 */

type Of = { id: number };

/** As the last snapshot had it. */
export function knownDoubt(
  db: Database,
  id: number,
): Pick<KnownRepository, "unreadable" | "hides" | "mentions"> {
  const row = db
    .query<{ unreadable: string | null; hides: 0 | 1 }, Of>(
      "SELECT unreadable, hides FROM repositories WHERE id = $id",
    )
    .get({ id });
  const mentions = db
    .query<{ digest: Digest; manifest: Digest | "" }, Of>(
      "SELECT digest, manifest FROM mentions WHERE repository_id = $id",
    )
    .all({ id });
  return {
    unreadable: parseDamages(row?.unreadable ?? null),
    hides: row?.hides === 1,
    mentions: mentions.map(({ digest, manifest }) => ({ digest, manifest: manifest || null })),
  };
}

/** The same, and the manifests that are in doubt. */
export function unreadableOf(db: Database, id: number): readonly Damage[] {
  const manifests = db
    .query<{ digest: Digest; doubt: string }, Of>(
      `SELECT digest, doubt FROM manifests
        WHERE repository_id = $id AND doubt IS NOT NULL ORDER BY digest LIMIT 100`,
    )
    .all({ id })
    .map(({ digest, doubt }) => ({ path: blobPath(digest), problem: doubt }));
  return [...knownDoubt(db, id).unreadable, ...manifests];
}

/** Whether there is any of that, in SQL; `id`: an expression. */
export const IS_UNREADABLE = (id: string): string =>
  `(EXISTS (SELECT 1 FROM repositories r WHERE r.id = ${id} AND r.unreadable IS NOT NULL)
    OR EXISTS (SELECT 1 FROM manifests u WHERE u.repository_id = ${id} AND u.doubt IS NOT NULL))`;

/** Whether a repository mentions a digest, in SQL. What a manifest mentioned goes with it. */
export const IS_MENTIONED = (digest: string): string =>
  `EXISTS (SELECT 1 FROM mentions k WHERE k.digest = ${digest} AND (k.manifest = ''
     OR EXISTS (SELECT 1 FROM manifests n
                 WHERE n.repository_id = k.repository_id AND n.digest = k.manifest)))`;

/** Whether some repository hides what it needs: any blob may be among that. */
export const IS_HIDDEN = "EXISTS (SELECT 1 FROM repositories h WHERE h.hides <> 0)";

/** The first of those. */
export function findHiding(
  db: Database,
): { readonly name: RepositoryName; readonly damage: Damage } | null {
  const row = db
    .query<{ name: RepositoryName; unreadable: string | null }, []>(
      "SELECT name, unreadable FROM repositories WHERE hides <> 0 ORDER BY id LIMIT 1",
    )
    .get();
  if (!row) return null;
  const [damage = { path: row.name, problem: "it cannot be read" }] = parseDamages(row.unreadable);
  return { name: row.name, damage };
}

/** Records it with a snapshot that says anything about it. Returns what was mentioned before. */
export function replaceDoubt(
  db: Database,
  id: number,
  { unreadable, hides = false, mentions = [] }: RepositorySnapshot,
): Digest[] {
  if (!unreadable) return [];
  const text = unreadable.length === 0 ? null : JSON.stringify(unreadable);
  db.query(
    `UPDATE repositories SET unreadable = $text, hides = $hides
      WHERE id = $id AND (unreadable IS NOT $text OR hides <> $hides)`,
  ).run({ id, text, hides: hides ? 1 : 0 });
  const before = db
    .query<{ digest: Digest }, Of>(
      `DELETE FROM mentions WHERE repository_id = $id AND (manifest = '' OR NOT EXISTS (
         SELECT 1 FROM manifests m WHERE m.repository_id = $id AND m.digest = mentions.manifest))
       RETURNING digest`,
    )
    .all({ id });
  const add = db.query("INSERT OR IGNORE INTO mentions VALUES ($digest, $id, $manifest)");
  const revive = db.query(
    "UPDATE blobs SET state = 'live' WHERE digest = $digest AND state = 'doomed'",
  );
  for (const { digest, manifest } of mentions) {
    add.run({ id, digest, manifest: manifest ?? "" });
    revive.run({ digest });
  }
  return before.map(({ digest }) => digest);
}

function parseDamages(text: string | null): readonly Damage[] {
  return text === null ? [] : (JSON.parse(text) as Damage[]);
}
