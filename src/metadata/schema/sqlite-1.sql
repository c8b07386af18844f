-- Version 1. Digests are text, times UTC milliseconds, sizes bytes. Never changed again: see migrations.ts.

CREATE TABLE settings (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE repositories (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

-- What is stored, manifests included, whoever links it.
CREATE TABLE blobs (
  digest     TEXT PRIMARY KEY,
  size       INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Which repository may serve which blob. seen_at: the last upload, mount or promise of existence.
CREATE TABLE repository_blobs (
  repository_id INTEGER NOT NULL,
  digest        TEXT NOT NULL,
  linked_at     INTEGER NOT NULL,
  seen_at       INTEGER NOT NULL,
  PRIMARY KEY (repository_id, digest)
) WITHOUT ROWID;
CREATE INDEX repository_blobs_digest ON repository_blobs (digest);

-- With a rowid, because the bytes are large: they stay out of the index that every look-up walks.
CREATE TABLE manifests (
  id            INTEGER PRIMARY KEY,
  repository_id INTEGER NOT NULL,
  digest        TEXT NOT NULL,
  media_type    TEXT NOT NULL,
  size          INTEGER NOT NULL,
  subject       TEXT,
  artifact_type TEXT,
  annotations   TEXT,
  pushed_at     INTEGER NOT NULL,
  bytes         BLOB NOT NULL,
  UNIQUE (repository_id, digest)
);
CREATE INDEX manifests_subject ON manifests (repository_id, subject, digest) WHERE subject IS NOT NULL;

-- What a manifest names. role: config, layer or child.
CREATE TABLE manifest_references (
  repository_id INTEGER NOT NULL,
  manifest      TEXT NOT NULL,
  digest        TEXT NOT NULL,
  role          TEXT NOT NULL,
  size          INTEGER NOT NULL,
  PRIMARY KEY (repository_id, manifest, digest, role)
) WITHOUT ROWID;
CREATE INDEX manifest_references_digest ON manifest_references (repository_id, digest);

CREATE TABLE tags (
  repository_id INTEGER NOT NULL,
  name          TEXT NOT NULL,
  digest        TEXT NOT NULL,
  pushed_at     INTEGER NOT NULL,
  PRIMARY KEY (repository_id, name)
) WITHOUT ROWID;
CREATE INDEX tags_digest ON tags (repository_id, digest);

-- Every manifest a tag has named, and when it last did.
CREATE TABLE tag_history (
  repository_id INTEGER NOT NULL,
  tag           TEXT NOT NULL,
  digest        TEXT NOT NULL,
  at            INTEGER NOT NULL,
  PRIMARY KEY (repository_id, tag, digest)
) WITHOUT ROWID;

CREATE TABLE uploads (
  id         TEXT PRIMARY KEY,
  repository TEXT NOT NULL,
  started_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Changes that the tree has not followed yet (journal.ts). AUTOINCREMENT: an id is never used twice.
CREATE TABLE journal (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  entry TEXT NOT NULL
);

-- Bytes of small blobs that are not in the tree yet. They go when the journal entry that brings them does.
CREATE TABLE contents (
  digest     TEXT PRIMARY KEY,
  journal_id INTEGER NOT NULL,
  bytes      BLOB NOT NULL
);
CREATE INDEX contents_journal ON contents (journal_id);
