-- Version 3: collecting garbage (collection.ts).

-- The last pull or promise of existence, amortised; 0: none since it was pushed.
ALTER TABLE manifests ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;
-- Since when no tag names it; null: one does, or none ever did.
ALTER TABLE manifests ADD COLUMN untagged_at INTEGER;
CREATE INDEX manifests_digest ON manifests (digest);

-- live; doomed: nobody links it any more; leaving: its file is on the way into the trash.
ALTER TABLE blobs ADD COLUMN state TEXT NOT NULL DEFAULT 'live';
CREATE INDEX blobs_state ON blobs (state, digest) WHERE state <> 'live';

-- Which tags have named a manifest that goes.
CREATE INDEX tag_history_digest ON tag_history (repository_id, digest);

-- What may have become garbage, and from when its age counts: so that the cost of a collection is that
-- of the garbage. kind: manifest, link, or repository (an empty one; its digest is '').
CREATE TABLE review (
  repository_id INTEGER NOT NULL,
  digest        TEXT NOT NULL,
  kind          TEXT NOT NULL,
  since         INTEGER NOT NULL,
  PRIMARY KEY (repository_id, digest, kind)
) WITHOUT ROWID;
CREATE INDEX review_since ON review (kind, since);

-- What was removed and can be restored, in the order of the removals. kind: tag, manifest, link or blob.
-- repository: by name, because it may be gone. bytes: of a manifest. The bytes of a blob lie in the file
-- trashPath(id). AUTOINCREMENT: such a name is never used twice.
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
-- For the sum of what emptying it frees.
CREATE INDEX trash_blobs ON trash (size) WHERE kind = 'blob';

-- Whether the tree has yet to follow in a blob: under heavy pushes there are thousands of entries.
CREATE INDEX journal_digest ON journal (entry ->> '$.digest');

-- What each collection did; report is JSON.
CREATE TABLE runs (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  report     TEXT
);

-- What of a repository could not be read or understood when it was compared with the tree, as JSON; null:
-- nothing. While there is something, nothing of it is collected. hides: it may name any blob.
ALTER TABLE repositories ADD COLUMN unreadable TEXT;
ALTER TABLE repositories ADD COLUMN hides INTEGER NOT NULL DEFAULT 0;
CREATE INDEX repositories_hiding ON repositories (id) WHERE hides <> 0;
-- What of a manifest was not understood: it may need more than its references say. Null: nothing.
ALTER TABLE manifests ADD COLUMN doubt TEXT;
CREATE INDEX manifests_doubt ON manifests (repository_id) WHERE doubt IS NOT NULL;
UPDATE manifests SET doubt = 'its media type is not known' WHERE media_type NOT IN (
  'application/vnd.oci.image.manifest.v1+json', 'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.artifact.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws');

-- What a repository names without having it, and whose bytes must stay all the same. manifest: which
-- names it, for as long as that is here; '': something that could not be read.
CREATE TABLE mentions (
  digest        TEXT NOT NULL,
  repository_id INTEGER NOT NULL,
  manifest      TEXT NOT NULL,
  PRIMARY KEY (digest, repository_id, manifest)
) WITHOUT ROWID;
CREATE INDEX mentions_repository ON mentions (repository_id);
