import { VERSION_2, VERSION_2_CONTENT } from "./version-2-fixtures.ts";

/** What the third program made of version 2; kept here for the same reason as that. */
const STEP_3 = `
ALTER TABLE manifests ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE manifests ADD COLUMN untagged_at INTEGER;
CREATE INDEX manifests_digest ON manifests (digest);
ALTER TABLE blobs ADD COLUMN state TEXT NOT NULL DEFAULT 'live';
CREATE INDEX blobs_state ON blobs (state, digest) WHERE state <> 'live';
CREATE INDEX tag_history_digest ON tag_history (repository_id, digest);
CREATE TABLE review (
  repository_id INTEGER NOT NULL,
  digest        TEXT NOT NULL,
  kind          TEXT NOT NULL,
  since         INTEGER NOT NULL,
  PRIMARY KEY (repository_id, digest, kind)
) WITHOUT ROWID;
CREATE INDEX review_since ON review (kind, since);
CREATE TABLE trash (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  run        INTEGER,
  kind       TEXT NOT NULL,
  repository TEXT,
  tag        TEXT,
  digest     TEXT NOT NULL,
  size       INTEGER NOT NULL,
  media_type TEXT,
  made_at    INTEGER NOT NULL,
  removed_at INTEGER NOT NULL,
  reason     TEXT NOT NULL,
  removed_by TEXT,
  bytes      BLOB
);
CREATE INDEX trash_digest ON trash (digest);
CREATE INDEX trash_repository ON trash (repository, tag) WHERE repository IS NOT NULL;
CREATE INDEX trash_blobs ON trash (size) WHERE kind = 'blob';
CREATE INDEX journal_digest ON journal (entry ->> '$.digest');
CREATE TABLE runs (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  report     TEXT
);
ALTER TABLE repositories ADD COLUMN unreadable TEXT;
ALTER TABLE repositories ADD COLUMN hides INTEGER NOT NULL DEFAULT 0;
CREATE INDEX repositories_hiding ON repositories (id) WHERE hides <> 0;
ALTER TABLE manifests ADD COLUMN doubt TEXT;
CREATE INDEX manifests_doubt ON manifests (repository_id) WHERE doubt IS NOT NULL;
UPDATE manifests SET doubt = 'its media type is not known' WHERE media_type NOT IN (
  'application/vnd.oci.image.manifest.v1+json', 'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.artifact.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws');
CREATE TABLE mentions (
  digest        TEXT NOT NULL,
  repository_id INTEGER NOT NULL,
  manifest      TEXT NOT NULL,
  PRIMARY KEY (digest, repository_id, manifest)
) WITHOUT ROWID;
CREATE INDEX mentions_repository ON mentions (repository_id);
PRAGMA user_version = 3;
`;

/** The content comes before the last step, which changes its tables. */
export const VERSION_3 = VERSION_2;
export const VERSION_3_CONTENT = `${VERSION_2_CONTENT}${STEP_3}`;
