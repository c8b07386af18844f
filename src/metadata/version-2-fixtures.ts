import { VERSION_1, VERSION_1_CONTENT } from "./version-1-fixtures.ts";

/** What the second program made of version 1; kept here for the same reason as that. */
export const VERSION_2 = `${VERSION_1}
CREATE TABLE events (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  rank  INTEGER NOT NULL,
  event TEXT NOT NULL
);
CREATE TABLE event_cursors (
  endpoint TEXT PRIMARY KEY,
  event_id INTEGER NOT NULL
) WITHOUT ROWID;
ALTER TABLE uploads ADD COLUMN owner TEXT;
PRAGMA user_version = 2;
`;

/** The same as in version 1, and something to hear of. */
export const VERSION_2_CONTENT = `${VERSION_1_CONTENT.replace("'team/app', 300)", "'team/app', 300, NULL)")}
INSERT INTO event_cursors VALUES ('one', 0);
`;
