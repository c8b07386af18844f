import type { Database } from "bun:sqlite";
import type { Digest } from "../oci/digest.ts";
import type { Tag } from "../oci/reference.ts";
import type { JournalEntry } from "./journal.ts";
import { type Garbage, REVIVE } from "./sqlite-garbage.ts";
import { replaceDoubt } from "./sqlite-doubt.ts";
import type { MovedTag, RepositoryChanges, RepositorySnapshot } from "./metadata.ts";

/**
 * Brings what is known of a repository to what its tree has, row by row: a row that is right already is
 * not touched, because it knows more than the tree can say.
 *
 * Tags go first, so that a manifest which a kept tag names is seen to be needed.
 */
export function replaceRepository(
  db: Database,
  garbage: Garbage,
  snapshot: RepositorySnapshot,
): RepositoryChanges {
  const found = db
    .query<{ id: number }, { name: string }>("SELECT id FROM repositories WHERE name = $name")
    .get({ name: snapshot.name });
  const id = found?.id ?? addRepository(db, snapshot.name);
  const tags = replaceTags(db, id, snapshot);
  const manifests = replaceManifests(db, id, snapshot);
  const blobs = replaceBlobs(db, id, snapshot);
  bringBack(db, id, snapshot);
  // When all else is as it is in the tree: what a manifest mentioned that is gone goes with it.
  for (const digest of replaceDoubt(db, id, snapshot)) garbage.doomUnlinked(digest);
  reviewChanged(db, garbage, id, snapshot.readAt, { tags, manifests, blobs });
  if (snapshot.gone) garbage.forgetIfEmpty(id);
  return { blobs: { ...blobs, removed: blobs.removed.length }, manifests, tags };
}

function addRepository(db: Database, name: string): number {
  const added = db.query("INSERT INTO repositories (name) VALUES ($name)").run({ name });
  return Number(added.lastInsertRowid);
}

/**
 * What the tree has lost may have kept something, and what is new in it may be garbage. Since when a tag
 * is gone or moved the tree does not say: no earlier than it was read.
 */
function reviewChanged(
  db: Database,
  garbage: Garbage,
  id: number,
  at: number,
  changes: Pick<RepositoryChanges, "tags" | "manifests"> & { blobs: { removed: Digest[] } },
): void {
  const { tags, manifests, blobs } = changes;
  for (const { from } of tags.moved) garbage.untag(id, from, at);
  for (const { digest } of tags.removed) garbage.untag(id, digest, at);
  db.query(
    `UPDATE manifests SET untagged_at = NULL WHERE repository_id = $id AND untagged_at IS NOT NULL
      AND EXISTS (SELECT 1 FROM tags t WHERE t.repository_id = $id AND t.digest = manifests.digest)`,
  ).run({ id });
  for (const digest of [...manifests.removed, ...blobs.removed]) garbage.doomUnlinked(digest);
  garbage.reviewAll(id);
}

function replaceTags(
  db: Database,
  id: number,
  { tags, keep }: RepositorySnapshot,
): RepositoryChanges["tags"] {
  const add = db.query(
    "INSERT INTO tags (repository_id, name, digest, pushed_at) VALUES ($id, $tag, $digest, $at)",
  );
  const move = db.query(
    "UPDATE tags SET digest = $digest, pushed_at = $at WHERE repository_id = $id AND name = $tag",
  );
  const addHistory = db.query(
    `INSERT INTO tag_history (repository_id, tag, digest, at) VALUES ($id, $tag, $digest, $at)
      ON CONFLICT DO UPDATE SET at = max(at, excluded.at)`,
  );
  const remove = db.query("DELETE FROM tags WHERE repository_id = $id AND name = $tag");
  const removeHistory = db.query(
    "DELETE FROM tag_history WHERE repository_id = $id AND tag = $tag",
  );
  const rows = db
    .query<{ tag: Tag; digest: Digest }, { id: number }>(
      "SELECT name AS tag, digest FROM tags WHERE repository_id = $id ORDER BY name",
    )
    .all({ id });
  const known = new Map(rows.map(({ tag, digest }) => [tag, digest]));

  let added = 0;
  const moved: MovedTag[] = [];
  for (const { tag, digest, pushedAt: at } of tags) {
    const from = known.get(tag);
    known.delete(tag);
    if (from === digest) continue;
    (from === undefined ? add : move).run({ id, tag, digest, at });
    addHistory.run({ id, tag, digest, at });
    if (from === undefined) added++;
    else moved.push({ tag, from, to: digest });
  }
  const removed = [...known]
    .filter(([tag]) => !isKept(keep?.tags, tag))
    .map(([tag, digest]) => ({ tag, digest }));
  for (const { tag } of removed) {
    remove.run({ id, tag });
    removeHistory.run({ id, tag });
  }
  return { added, moved, removed };
}

function replaceManifests(
  db: Database,
  id: number,
  { manifests, keep }: RepositorySnapshot,
): RepositoryChanges["manifests"] {
  const blob = db.query(ADD_BLOB);
  const add = db.query(
    `INSERT INTO manifests (repository_id, digest, media_type, size, subject, artifact_type,
                            annotations, pushed_at, bytes, doubt)
     VALUES ($id, $digest, $mediaType, $size, $subject, $artifactType, $annotations, $at, $bytes, $doubt)`,
  );
  const addReference = db.query(
    `INSERT OR IGNORE INTO manifest_references (repository_id, manifest, digest, role, size)
     VALUES ($id, $manifest, $digest, $role, $size)`,
  );
  const remove = db.query("DELETE FROM manifests WHERE repository_id = $id AND digest = $digest");
  const removeReferences = db.query(
    "DELETE FROM manifest_references WHERE repository_id = $id AND manifest = $digest",
  );
  const tagged = db.query(
    "SELECT 1 FROM tags WHERE repository_id = $id AND digest = $digest LIMIT 1",
  );
  const known = digestsOf(db, "manifests", id);

  let added = 0;
  for (const { digest, bytes, annotations, references, doubt = null, ...one } of manifests) {
    if (known.delete(digest)) continue;
    added++;
    blob.run({ digest, size: bytes.length, at: one.pushedAt });
    add.run({
      id,
      digest,
      bytes,
      mediaType: one.mediaType,
      size: bytes.length,
      subject: one.subject,
      artifactType: one.artifactType,
      annotations: annotations && JSON.stringify(annotations),
      at: one.pushedAt,
      doubt,
    });
    for (const { digest: named, role, size } of references) {
      addReference.run({ id, manifest: digest, digest: named, role, size });
    }
  }
  const removed = [...known].filter(
    (digest) => !isKept(keep?.manifests, digest) && tagged.get({ id, digest }) === null,
  );
  for (const digest of removed) {
    removeReferences.run({ id, digest });
    remove.run({ id, digest });
  }
  return { added, removed };
}

const ADD_BLOB = `INSERT INTO blobs (digest, size, created_at) VALUES ($digest, $size, $at)
  ${REVIVE}`;
const ADD_UNCONFIRMED_BLOB = `INSERT INTO blobs (digest, size, created_at) VALUES ($digest, $size, $at)
  ON CONFLICT (digest) DO UPDATE SET state = 'live' WHERE state = 'doomed'`;

function replaceBlobs(
  db: Database,
  id: number,
  { blobs, keep }: RepositorySnapshot,
): { added: number; removed: Digest[] } {
  const confirmed = db.query(ADD_BLOB);
  const unconfirmed = db.query(ADD_UNCONFIRMED_BLOB);
  const link = db.query("INSERT OR IGNORE INTO repository_blobs VALUES ($id, $digest, $at, $at)");
  const unlink = db.query(
    "DELETE FROM repository_blobs WHERE repository_id = $id AND digest = $digest",
  );
  const known = digestsOf(db, "repository_blobs", id);

  let added = 0;
  for (const { digest, size, linkedAt: at, ...one } of blobs) {
    (one.unconfirmed ? unconfirmed : confirmed).run({ digest, size, at });
    added += link.run({ id, digest, at }).changes;
    known.delete(digest);
  }
  const removed = [...known].filter((digest) => !isKept(keep?.blobs, digest));
  for (const digest of removed) unlink.run({ id, digest });
  return { added, removed };
}

function bringBack(db: Database, id: number, { name, lost = [] }: RepositorySnapshot): void {
  const known = digestsOf(db, "manifests", id);
  const journal = db.query("INSERT INTO journal (entry) VALUES ($entry)");
  for (const digest of lost) {
    const entry: JournalEntry = { op: "put-manifest", name, digest };
    if (known.has(digest)) journal.run({ entry: JSON.stringify(entry) });
  }
}

function digestsOf(db: Database, table: "manifests" | "repository_blobs", id: number): Set<Digest> {
  const rows = db
    .query<{ digest: Digest }, { id: number }>(
      `SELECT digest FROM ${table} WHERE repository_id = $id`,
    )
    .all({ id });
  return new Set(rows.map(({ digest }) => digest));
}

function isKept<T>(kept: ReadonlySet<T> | "all" | undefined, one: T): boolean {
  return kept === "all" || (kept?.has(one) ?? false);
}
