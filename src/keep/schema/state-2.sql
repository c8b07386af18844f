-- Registries at whose last look the clock was behind the one before, and since when (by that clock).
CREATE TABLE behind (
  registry TEXT PRIMARY KEY,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
