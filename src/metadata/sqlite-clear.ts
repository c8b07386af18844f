import type { Database } from "bun:sqlite";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Leftover } from "./collection.ts";
import type { JournalEntry } from "./journal.ts";
import { IS_MENTIONED } from "./sqlite-doubt.ts";
import type { Garbage } from "./sqlite-garbage.ts";

/** No repository has it. */
const NONE = -1;

/**
 * As the body of a transaction that is open: see `clear` in collection.ts. By the journal, so that a push
 * of the same comes after it in the tree as well.
 */
export function sqliteClear(
  db: Database,
  garbage: Garbage,
): (name: RepositoryName, leftovers: readonly Leftover[]) => number {
  const sql = statements(db);
  return (name, leftovers) => {
    const id = sql.repository.get({ name })?.id ?? NONE;
    if (garbage.isUnreadable(id)) return 0;
    const entries = leftovers.flatMap((leftover): JournalEntry[] => {
      switch (leftover.kind) {
        case "link": {
          const { digest } = leftover;
          return sql.isLinked.get({ id, digest }) ? [] : [{ op: "unlink-layer", name, digest }];
        }
        case "manifest": {
          const { digest } = leftover;
          return sql.isManifest.get({ id, digest })
            ? []
            : [{ op: "remove-manifest", name, digest }];
        }
        case "history": {
          const { tag, digest } = leftover;
          return sql.isManifest.get({ id, digest })
            ? []
            : [{ op: "forget-tagged", name, tag, digest }];
        }
        case "tag": {
          const { tag } = leftover;
          return sql.isTag.get({ id, tag })
            ? []
            : [{ op: "remove-tag", name, tag, previous: null }];
        }
        case "repository":
          return id === NONE ? [{ op: "remove-repository", name }] : [];
      }
    });
    for (const entry of entries) sql.addJournal.run({ entry: JSON.stringify(entry) });
    return entries.length;
  };
}

type Named = { id: number; digest: Digest };

function statements(db: Database) {
  return {
    repository: db.query<{ id: number }, { name: string }>(
      "SELECT id FROM repositories WHERE name = $name",
    ),
    // A manifest may need it, although its bytes are gone.
    isLinked: db.query<{ one: 1 }, Named>(
      `SELECT 1 AS one WHERE EXISTS (
         SELECT 1 FROM repository_blobs WHERE repository_id = $id AND digest = $digest)
        OR ${IS_MENTIONED("$digest")}`,
    ),
    isManifest: db.query<{ one: 1 }, Named>(
      `SELECT 1 AS one WHERE EXISTS (
         SELECT 1 FROM manifests WHERE repository_id = $id AND digest = $digest)
        OR ${IS_MENTIONED("$digest")}`,
    ),
    isTag: db.query<{ one: 1 }, { id: number; tag: string }>(
      "SELECT 1 AS one FROM tags WHERE repository_id = $id AND name = $tag",
    ),
    addJournal: db.query("INSERT INTO journal (entry) VALUES ($entry)"),
  };
}
