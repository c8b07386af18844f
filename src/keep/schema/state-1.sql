-- What `wharf keep` knows that no registry tells (state.ts). Times are UTC milliseconds.

CREATE TABLE tags (
  registry TEXT NOT NULL,
  repository TEXT NOT NULL,
  tag TEXT NOT NULL,
  -- Null: a push was told of, and not of what.
  digest TEXT,
  pushed_at INTEGER NOT NULL,
  -- When the registry listed it the last time, amortised; null: only a notification has told of it.
  listed_at INTEGER,
  PRIMARY KEY (registry, repository, tag)
) STRICT, WITHOUT ROWID;

CREATE INDEX tags_told ON tags (pushed_at) WHERE listed_at IS NULL;

CREATE TABLE pulls (
  registry TEXT NOT NULL,
  repository TEXT NOT NULL,
  digest TEXT NOT NULL,
  pulled_at INTEGER NOT NULL,
  listed_at INTEGER,
  PRIMARY KEY (registry, repository, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX pulls_told ON pulls (pulled_at) WHERE listed_at IS NULL;

-- What each registry's jobs did last.
CREATE TABLE jobs (
  registry TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- Since when anybody knows of it.
  since INTEGER NOT NULL,
  began_at INTEGER,
  ended_at INTEGER,
  outcome TEXT,
  succeeded_at INTEGER,
  -- JSON.
  result TEXT,
  PRIMARY KEY (registry, kind)
) STRICT, WITHOUT ROWID;

-- What was asked for and is not done: it outlives a stop and a crash.
CREATE TABLE wishes (
  registry TEXT NOT NULL,
  kind TEXT NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (registry, kind)
) STRICT, WITHOUT ROWID;

-- Whose pulls are told, all of them, and since when.
CREATE TABLE listening (
  registry TEXT PRIMARY KEY,
  since INTEGER NOT NULL,
  -- The last time that somebody was there to hear.
  alive_at INTEGER NOT NULL,
  -- The last time that the registry told of anything, amortised.
  heard_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
