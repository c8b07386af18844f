import type { Database } from "bun:sqlite";
import type { RepositorySnapshot } from "./metadata.ts";

const TABLES = ["repository_blobs", "manifests", "manifest_references", "tags", "tag_history"];

/** Forgets a repository and records it anew, as its tree has it. */
export function replaceRepository(db: Database, snapshot: RepositorySnapshot): void {
  const found = db
    .query<{ id: number }, { name: string }>("SELECT id FROM repositories WHERE name = $name")
    .get({ name: snapshot.name });
  const id = found?.id ?? addRepository(db, snapshot.name);
  for (const table of TABLES)
    db.query(`DELETE FROM ${table} WHERE repository_id = $id`).run({ id });
  addBlobs(db, id, snapshot);
  addManifests(db, id, snapshot);
  addTags(db, id, snapshot);
}

function addRepository(db: Database, name: string): number {
  const added = db.query("INSERT INTO repositories (name) VALUES ($name)").run({ name });
  return Number(added.lastInsertRowid);
}

const ADD_BLOB = `INSERT INTO blobs (digest, size, created_at) VALUES ($digest, $size, $at)
  ON CONFLICT (digest) DO UPDATE SET size = excluded.size WHERE size <> excluded.size`;

function addBlobs(db: Database, id: number, { blobs }: RepositorySnapshot): void {
  const blob = db.query(ADD_BLOB);
  const link = db.query("INSERT OR IGNORE INTO repository_blobs VALUES ($id, $digest, $at, $at)");
  for (const { digest, size, linkedAt } of blobs) {
    blob.run({ digest, size, at: linkedAt });
    link.run({ id, digest, at: linkedAt });
  }
}

function addManifests(db: Database, id: number, { manifests }: RepositorySnapshot): void {
  const blob = db.query(ADD_BLOB);
  const manifest = db.query(
    `INSERT INTO manifests (repository_id, digest, media_type, size, subject, artifact_type,
                            annotations, pushed_at, bytes)
     VALUES ($id, $digest, $mediaType, $size, $subject, $artifactType, $annotations, $at, $bytes)`,
  );
  const reference = db.query(
    `INSERT OR IGNORE INTO manifest_references (repository_id, manifest, digest, role, size)
     VALUES ($id, $manifest, $digest, $role, $size)`,
  );
  for (const { digest, bytes, annotations, references, ...one } of manifests) {
    blob.run({ digest, size: bytes.length, at: one.pushedAt });
    manifest.run({
      id,
      digest,
      bytes,
      mediaType: one.mediaType,
      size: bytes.length,
      subject: one.subject,
      artifactType: one.artifactType,
      annotations: annotations && JSON.stringify(annotations),
      at: one.pushedAt,
    });
    for (const { digest: named, role, size } of references) {
      reference.run({ id, manifest: digest, digest: named, role, size });
    }
  }
}

function addTags(db: Database, id: number, { tags }: RepositorySnapshot): void {
  const tag = db.query("INSERT INTO tags VALUES ($id, $tag, $digest, $pushedAt)");
  const history = db.query("INSERT INTO tag_history VALUES ($id, $tag, $digest, $pushedAt)");
  for (const one of tags) {
    tag.run({ id, ...one });
    history.run({ id, ...one });
  }
}
