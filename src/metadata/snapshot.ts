import type { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { BlobRecord, TagRecord } from "./metadata.ts";
import { VERSION, versionOf } from "./migrations.ts";
import { openForReading } from "./sqlite-file.ts";

/**
 * All that was committed at one moment, while the server goes on writing: one read transaction of a
 * connection of its own. The log of the database grows as long as it is open: close it soon.
 */
export interface Snapshot extends Disposable {
  /** In ASCII order; empty ones too. */
  repositories(): Generator<RecordedRepository>;
  /** What the manifests of a repository name: config, layers and children. */
  references(name: RepositoryName): readonly ManifestReference[];
  /** Manifests that name content which their repository does not have. */
  countIncomplete(): number;
  /** Every manifest's bytes, each digest once. */
  manifests(): Generator<Content>;
  /** The bytes of small blobs that the tree may not have yet. */
  contents(): Generator<Content>;
}

export interface RecordedRepository {
  readonly name: RepositoryName;
  readonly tags: readonly TagRecord[];
  readonly manifests: readonly BlobRecord[];
  readonly blobs: readonly BlobRecord[];
}

export interface ManifestReference {
  readonly manifest: Digest;
  readonly digest: Digest;
}

export interface Content {
  readonly digest: Digest;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Throws DATA_FOLDER when the database cannot be read. */
export function openSnapshot(path: string): Snapshot {
  const db = open(path);
  db.run("BEGIN");
  const repositories = db.query<{ id: number; name: RepositoryName }, []>(
    "SELECT id, name FROM repositories ORDER BY name",
  );
  const tags = db.query<TagRecord, { id: number }>(
    "SELECT name AS tag, digest, pushed_at AS pushedAt FROM tags WHERE repository_id = $id",
  );
  const manifests = db.query<BlobRecord, { id: number }>(
    "SELECT digest, size FROM manifests WHERE repository_id = $id",
  );
  const blobs = db.query<BlobRecord, { id: number }>(
    `SELECT digest, size FROM repository_blobs JOIN blobs USING (digest) WHERE repository_id = $id`,
  );
  const references = db.query<ManifestReference, { name: string }>(
    `SELECT manifest, digest FROM manifest_references
      WHERE repository_id = (SELECT id FROM repositories WHERE name = $name)`,
  );
  const incomplete = db.query<{ count: number }, []>(
    `SELECT count(*) AS count FROM manifests m WHERE EXISTS (
       SELECT 1 FROM manifest_references r
        WHERE r.repository_id = m.repository_id AND r.manifest = m.digest AND NOT EXISTS (
          SELECT 1 FROM repository_blobs b WHERE b.repository_id = r.repository_id AND b.digest = r.digest)
        AND NOT EXISTS (
          SELECT 1 FROM manifests c WHERE c.repository_id = r.repository_id AND c.digest = r.digest))`,
  );
  return {
    *repositories() {
      for (const { id, name } of repositories.all()) {
        yield {
          name,
          tags: tags.all({ id }),
          manifests: manifests.all({ id }),
          blobs: blobs.all({ id }),
        };
      }
    },
    references: (name) => references.all({ name }),
    countIncomplete: () => incomplete.get()?.count ?? 0,
    manifests: () =>
      contentsOf(
        db,
        "SELECT digest, bytes FROM manifests WHERE digest > $last ORDER BY digest LIMIT 100",
      ),
    contents: () =>
      contentsOf(
        db,
        "SELECT digest, bytes FROM contents WHERE digest > $last ORDER BY digest LIMIT 100",
      ),
    [Symbol.dispose]() {
      db.close();
    },
  };
}

/** In pages, so that few are held. One digest may stand in several rows, all with the same bytes. */
function* contentsOf(db: Database, sql: string): Generator<Content> {
  const read = db.query<Content, { last: string }>(sql);
  for (let last = ""; ;) {
    const page = read.all({ last });
    for (const content of page) {
      if (content.digest !== last) yield content;
      last = content.digest;
    }
    if (page.length === 0) return;
  }
}

/** Where the bytes of a blob are that a collection has removed since. */
export interface LaterLook {
  /** The newest removal of it in the trash; null: none. */
  readonly trashed: number | null;
  /** Whether some repository still has it. */
  readonly needed: boolean;
}

/** What the metadata say of a blob now. Throws DATA_FOLDER. */
export function lookAgain(path: string, digest: Digest): LaterLook {
  if (!existsSync(path)) return { trashed: null, needed: true };
  const db = open(path);
  try {
    const needed = db.query<{ needed: number }, { digest: string }>(
      `SELECT EXISTS (SELECT 1 FROM repository_blobs WHERE digest = $digest)
           OR EXISTS (SELECT 1 FROM manifests WHERE digest = $digest) AS needed`,
    );
    return {
      trashed: newestInTrash(db, digest),
      needed: needed.get({ digest })?.needed === 1,
    };
  } finally {
    db.close();
  }
}

function newestInTrash(db: Database, digest: Digest): number | null {
  // What an older program has written has no trash.
  if (!hasTable(db, "trash")) return null;
  const newest = db.query<{ id: number }, { digest: string }>(
    "SELECT id FROM trash WHERE digest = $digest AND kind = 'blob' ORDER BY id DESC LIMIT 1",
  );
  return newest.get({ digest })?.id ?? null;
}

function hasTable(db: Database, name: string): boolean {
  return (
    db.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(name) !== null
  );
}

/** One setting, or null. Throws DATA_FOLDER. */
export function readSetting(path: string, key: string): string | null {
  const db = open(path);
  try {
    const row = db.query("SELECT value FROM settings WHERE key = ?").get(key);
    return (row as { value: string } | null)?.value ?? null;
  } finally {
    db.close();
  }
}

/** Whether the tree lacks changes that were acknowledged: they stand in the journal. */
export function isBehind(path: string): boolean {
  const db = open(path);
  try {
    return db.query("SELECT 1 FROM journal LIMIT 1").get() !== null;
  } finally {
    db.close();
  }
}

/** What an older program has written has all that is asked for here. */
function open(path: string): Database {
  let db: Database | undefined;
  try {
    db = openForReading(path);
    const version = versionOf(db);
    if (version >= 1 && version <= VERSION) return db;
    throw new Error(`it has version ${version}, this program knows ${VERSION}`);
  } catch (error) {
    db?.close();
    const reason = `${path}: ${(error as Error).message}`;
    throw new RegistryError("DATA_FOLDER", { reason }, { cause: error });
  }
}
