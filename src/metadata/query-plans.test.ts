import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { parseTag } from "../oci/reference.ts";
import type { ReviewItem } from "./collection.ts";
import { EVERYTHING, POLICY } from "./contract/collection-support.ts";
import { APP, blobOf, child, digestFor, layer, pushOf } from "./contract/fixtures.ts";
import { migrate } from "./migrations.ts";
import { sqliteReads } from "./sqlite-reads.ts";
import { sqliteWrites } from "./sqlite-writes.ts";

type Method = (...parameters: unknown[]) => unknown;

/** A database that notes the text of each statement when it is run. */
function noting(db: Database, run: Set<string>): Database {
  const instead = <T extends object>(
    target: T,
    keys: readonly string[],
    make: (key: string) => Method,
  ): T =>
    new Proxy(target, {
      get(_, key) {
        if (typeof key === "string" && keys.includes(key)) return make(key);
        const value = Reflect.get(target, key) as unknown;
        return typeof value === "function" ? (value as Method).bind(target) : value;
      },
    });
  return instead(db, ["query"], () => (sql) => {
    const statement = db.query(sql as string);
    return instead(statement, ["run", "get", "all", "values"], (key) => (...parameters) => {
      run.add(sql as string);
      return (statement[key as "all"] as Method).apply(statement, parameters);
    });
  });
}

function planOf(db: Database, sql: string): string[] {
  return db
    .query<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => detail);
}

/**
 * Steps that read more than what they look for: a whole table, or all of a repository. Looking whether
 * there is anything at all in a repository ends with the first row, and what is amiss is in few, which have
 * indexes of their own.
 */
function wholesale(db: Database, sql: string): string[] {
  const looksForAny = sql.includes("NOT EXISTS (SELECT 1 FROM tags WHERE repository_id = $id)");
  return planOf(db, sql).filter((step) => {
    if (/^SCAN (?:CONSTANT ROW|above|\(subquery|json_each|event_cursors)/.test(step)) return false;
    if (/INDEX (?:manifests_doubt|repositories_hiding)/.test(step)) return false;
    if (step.startsWith("SCAN")) return true;
    return step.endsWith("(repository_id=?)") && !looksForAny;
  });
}

describe("the cost of a collection is that of what it looks at:", () => {
  const db = new Database(":memory:", { strict: true });
  migrate(db);
  const run = new Set<string>();
  const writes = sqliteWrites(noting(db, run));
  const reads = sqliteReads(noting(db, run));

  test("no statement of it reads a table, or all of a repository", async () => {
    for (const word of ["layer", "config", "small"]) writes.linkBlob(APP, blobOf(word), 1, null);
    writes.putManifest(pushOf(APP, "one", { needs: [layer("layer"), layer("config")] }));
    writes.putManifest(pushOf(APP, "index", { needs: [child("one")], tags: ["v1"] }));
    writes.putManifest(pushOf(APP, "signature", { subject: "one" }));
    writes.putManifest(pushOf(APP, "two", { needs: [child("three")], requireContent: false }));
    writes.putManifest(pushOf(APP, "young", { needs: [layer("config")], at: POLICY.now }));
    run.clear();

    writes.removeTag(APP, parseTag("v1"), 2000);
    for (const word of ["one", "young"]) {
      writes.see([
        { kind: "manifest", name: APP, digest: digestFor(word), at: 1 },
        { kind: "link", name: APP, digest: digestFor(word), at: 1 },
      ]);
    }
    for (let items: ReviewItem[]; ;) {
      items = await reads.readReview(
        { manifests: POLICY.untaggedBefore, links: POLICY.seenBefore },
        100,
      );
      if (items.length === 0) break;
      await reads.lineageOf(APP, digestFor("one"));
      writes.collect(items, { ...POLICY, removeEmpty: true });
    }
    const last = (await reads.readJournal(100)).at(-1);
    writes.retireJournal(last?.id ?? 0);
    const claims = writes.claim(10, [], POLICY);
    await reads.listClaims();
    writes.settle(claims.map((one) => ({ ...one, moved: true })));
    writes.removeTrash(claims.map(({ id }) => id));

    expect(claims).toHaveLength(6);
    expect(run.size).toBeGreaterThan(30);
    const slow = [...run].map((sql) => ({ sql, steps: wholesale(db, sql) }));
    expect(slow.filter(({ steps }) => steps.length > 0)).toEqual([]);
  });

  test("nor does one of a push", () => {
    run.clear();
    writes.linkBlob(APP, blobOf("layer"), 1, null);
    writes.mountBlob(APP, digestFor("layer"), null, 2);
    writes.putManifest(pushOf(APP, "one", { needs: [layer("layer")], tags: ["v1"] }));
    writes.putManifest(pushOf(APP, "two", { needs: [layer("layer")], tags: ["v1"] }));
    writes.putManifest(pushOf(APP, "one", { tags: ["v1"], subject: "two" }));

    expect(run.size).toBeGreaterThan(15);
    const slow = [...run].map((sql) => ({ sql, steps: wholesale(db, sql) }));
    expect(slow.filter(({ steps }) => steps.length > 0)).toEqual([]);
  });

  test("which the check would see", () => {
    expect(wholesale(db, "SELECT * FROM blobs WHERE size = 5")).toHaveLength(1);
    expect(wholesale(db, "SELECT * FROM tags WHERE repository_id = 1")).toHaveLength(1);
    expect(wholesale(db, "SELECT * FROM blobs WHERE digest = 'x'")).toEqual([]);
  });

  test("the queue is read by age, whatever waits in it", () => {
    run.clear();
    void reads.readReview(EVERYTHING, 10);
    const [sql = ""] = run;

    expect(planOf(db, sql).filter((step) => /SCAN review|SEARCH review/.test(step))).toEqual(
      Array.from(
        { length: 3 },
        () => "SEARCH review USING COVERING INDEX review_since (kind=? AND since<?)",
      ),
    );
  });
});
