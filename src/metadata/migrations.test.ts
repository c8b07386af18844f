import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDigest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { EVERYTHING, POLICY } from "./contract/collection-support.ts";
import { VERSION } from "./migrations.ts";
import { openSqlite } from "./sqlite.ts";
import { VERSION_1, VERSION_1_CONTENT } from "./version-1-fixtures.ts";
import { VERSION_3, VERSION_3_CONTENT } from "./version-3-fixtures.ts";
import { VERSION_2, VERSION_2_CONTENT } from "./version-2-fixtures.ts";

setDefaultTimeout(20_000);

const APP = parseName("team/app");
const LAYER = parseDigest(`sha256:${"a".repeat(64)}`);
const MANIFEST = parseDigest(`sha256:${"b".repeat(64)}`);

describe.each([
  {
    version: 1,
    schema: VERSION_1,
    content: VERSION_1_CONTENT,
    inTheWay: "CREATE TABLE event_cursors (somebody TEXT)",
  },
  {
    version: 2,
    schema: VERSION_2,
    content: VERSION_2_CONTENT,
    inTheWay: "CREATE TABLE trash (somebody TEXT)",
  },
  {
    version: 3,
    schema: VERSION_3,
    content: VERSION_3_CONTENT,
    inTheWay: "ALTER TABLE blobs ADD COLUMN built_at INTEGER",
  },
])("a database of version $version", ({ version, schema, content, inTheWay }) => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "wharf-test-"));
    path = join(folder, "metadata.sqlite");
    change((db) => {
      db.run("PRAGMA journal_mode = WAL");
      db.run(schema);
      db.run(content);
    });
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  function change(work: (db: Database) => void): void {
    const db = new Database(path);
    work(db);
    db.close();
  }

  function look<T>(query: string, at = path): T[] {
    const db = new Database(at, { readonly: true });
    try {
      return db.query<T, []>(query).all();
    } finally {
      db.close();
    }
  }

  /** Without the spaces, which depend on how a column came to be. */
  function schemaOf(at: string): string[] {
    return look<{ sql: string | null }>("SELECT sql FROM sqlite_master", at)
      .map(({ sql }) => sql?.replaceAll(/\s+/g, " ").replaceAll(/ ?([(),]) ?/g, "$1") ?? "")
      .toSorted();
  }

  test("is brought to this version when it is opened, and lacks nothing", async () => {
    const metadata = await openSqlite(path);

    expect(await metadata.listTags(APP, { last: null, limit: 10 })).toEqual([
      { tag: parseTag("v1"), digest: MANIFEST, pushedAt: 200 },
    ]);
    expect((await metadata.findManifest(APP, parseTag("v1")))?.digest).toBe(MANIFEST);
    expect(await metadata.findBlob(APP, LAYER)).toMatchObject({ digest: LAYER, size: 5 });
    expect(await metadata.referencesOf(APP, MANIFEST)).toHaveLength(1);
    expect(await metadata.readContent(LAYER)).toEqual(new TextEncoder().encode("hello"));
    expect(await metadata.readJournal(10)).toEqual([
      { id: 41, entry: { op: "link-layer", name: APP, digest: LAYER } },
    ]);
    expect(await metadata.listUploads()).toEqual([
      { id: "0123456789abcdef0123456789abcdef", name: APP, startedAt: 300, owner: null },
    ]);
    expect(await metadata.getSetting("tree-read")).toBe("2026-01-01T00:00:00.000Z");
    await metadata.close();
    expect(look("PRAGMA user_version")).toEqual([{ user_version: VERSION }]);
  });

  test("has nothing to collect, until somebody puts it up, and then what no tag names", async () => {
    change((db) => db.run("DELETE FROM tags"));
    const metadata = await openSqlite(path);
    const policy = { ...POLICY, run: await metadata.startRun(1) };
    expect(await metadata.readReview(EVERYTHING, 10)).toEqual([]);
    expect(await metadata.recordsOf(APP)).toMatchObject({
      manifests: [{ digest: MANIFEST, pushedAt: 200, seenAt: 200, untaggedAt: null }],
      links: [{ digest: LAYER, size: 5, seenAt: 150 }],
    });

    expect(await metadata.reviewRepository(APP)).toBe(1);
    const took = await metadata.collect(await metadata.readReview(EVERYTHING, 10), policy);

    expect(took).toMatchObject({ manifests: [{ name: APP, digest: MANIFEST }], links: [] });
    await metadata.close();
  });

  test("knows of no pull and of no build until somebody says so", async () => {
    const metadata = await openSqlite(path);
    expect((await metadata.retentionRecordsOf(APP))?.pulled).toEqual(new Map());
    expect(await metadata.builtOf([LAYER])).toEqual([undefined]);

    await metadata.recordPulls([{ name: APP, digest: MANIFEST, at: 500 }]);
    await metadata.recordBuilt([{ digest: LAYER, builtAt: 400 }]);

    expect((await metadata.retentionRecordsOf(APP))?.pulled).toEqual(new Map([[MANIFEST, 500]]));
    expect(await metadata.builtOf([LAYER])).toEqual([400]);
    await metadata.close();
  });

  test("has then the schema of a new one", async () => {
    const other = join(folder, "new.sqlite");
    for (const at of [path, other]) await (await openSqlite(at)).close();

    expect(schemaOf(path)).toEqual(schemaOf(other));
  });

  test("is opened a second time without another migration", async () => {
    for (let time = 1; time <= 2; time++) {
      const metadata = await openSqlite(path);
      expect(await metadata.listUploads()).toHaveLength(1);
      await metadata.close();
    }
  });

  test("stays as it is when it can not be brought to this version", async () => {
    change((db) => db.run(inTheWay));
    const before = schemaOf(path);

    const refusal: unknown = await openSqlite(path).then(
      () => "it was opened",
      (error: unknown) => error,
    );

    expect(refusal).toMatchObject({ kind: "DATA_FOLDER" });
    expect(look("PRAGMA user_version")).toEqual([{ user_version: version }]);
    expect(schemaOf(path)).toEqual(before);
    expect(look("SELECT id FROM uploads")).toHaveLength(1);
  });
});
