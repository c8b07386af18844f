-- Version 2: what others want to hear of, and whose an upload is.

-- Changes that endpoints have to hear of (event.ts), in the order of their commits, written in the
-- transaction of the change. AUTOINCREMENT: an id is never used twice, so a cursor never points back.
-- rank: which go first when there are too many, the lowest.
CREATE TABLE events (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  rank  INTEGER NOT NULL,
  event TEXT NOT NULL
);

-- How far each endpoint has come: it has heard of this event, and of all before it.
CREATE TABLE event_cursors (
  endpoint TEXT PRIMARY KEY,
  event_id INTEGER NOT NULL
) WITHOUT ROWID;

-- Who began the upload; null: nobody said who he was.
ALTER TABLE uploads ADD COLUMN owner TEXT;
