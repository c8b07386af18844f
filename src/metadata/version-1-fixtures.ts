/**
 * The schema of version 1, as the first program wrote it, kept here so that a change of what the
 * program says today can not make an old database look newer than it is.
 */
export const VERSION_1 = `
CREATE TABLE settings (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE repositories (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);
CREATE TABLE blobs (
  digest     TEXT PRIMARY KEY,
  size       INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE repository_blobs (
  repository_id INTEGER NOT NULL,
  digest        TEXT NOT NULL,
  linked_at     INTEGER NOT NULL,
  seen_at       INTEGER NOT NULL,
  PRIMARY KEY (repository_id, digest)
) WITHOUT ROWID;
CREATE INDEX repository_blobs_digest ON repository_blobs (digest);
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
CREATE TABLE journal (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  entry TEXT NOT NULL
);
CREATE TABLE contents (
  digest     TEXT PRIMARY KEY,
  journal_id INTEGER NOT NULL,
  bytes      BLOB NOT NULL
);
CREATE INDEX contents_journal ON contents (journal_id);
PRAGMA user_version = 1;
`;

/** Some of everything, as version 1 kept it. */
export const VERSION_1_CONTENT = `
INSERT INTO settings VALUES ('tree-read', '2026-01-01T00:00:00.000Z');
INSERT INTO repositories (id, name) VALUES (1, 'team/app');
INSERT INTO blobs VALUES ('sha256:${"a".repeat(64)}', 5, 100), ('sha256:${"b".repeat(64)}', 7, 200);
INSERT INTO repository_blobs VALUES (1, 'sha256:${"a".repeat(64)}', 100, 150);
INSERT INTO manifests VALUES (1, 1, 'sha256:${"b".repeat(64)}',
  'application/vnd.oci.image.manifest.v1+json', 7, NULL, NULL, NULL, 200, x'7b7d2020202020');
INSERT INTO manifest_references VALUES
  (1, 'sha256:${"b".repeat(64)}', 'sha256:${"a".repeat(64)}', 'layer', 5);
INSERT INTO tags VALUES (1, 'v1', 'sha256:${"b".repeat(64)}', 200);
INSERT INTO tag_history VALUES (1, 'v1', 'sha256:${"b".repeat(64)}', 200);
INSERT INTO uploads VALUES ('0123456789abcdef0123456789abcdef', 'team/app', 300);
INSERT INTO journal (id, entry) VALUES (41, '{"op":"link-layer","name":"team/app","digest":"sha256:${"a".repeat(64)}"}');
INSERT INTO contents VALUES ('sha256:${"a".repeat(64)}', 41, x'68656c6c6f');
`;
