import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { digestFor, pushOf, snapshotOf } from "./contract/fixtures.ts";
import { type Place, metadataContract } from "./contract.ts";
import { openSqlite } from "./sqlite.ts";

setDefaultTimeout(20_000);

async function newFolder(): Promise<string> {
  return await mkdtemp(join(tmpdir(), "wharf-test-"));
}

async function newPlace(): Promise<Place> {
  const folder = await newFolder();
  return {
    open: async () => await openSqlite(join(folder, "metadata.sqlite")),
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true });
    },
  };
}

metadataContract("SQLite", newPlace);

describe("the database file", () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await newFolder();
    path = join(folder, "metadata.sqlite");
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  async function create(): Promise<void> {
    const metadata = await openSqlite(path);
    await metadata.setSetting("key", "value");
    await metadata.close();
  }

  /** What opening it fails with. */
  async function refusal(): Promise<unknown> {
    return await openSqlite(path).then(
      () => "it was opened",
      (error: unknown) => error,
    );
  }

  function change(work: (db: Database) => void): void {
    const db = new Database(path);
    work(db);
    db.close();
  }

  test("of a newer program is refused with both versions and what to do, and is left as it was", async () => {
    await create();
    change((db) => db.run("PRAGMA user_version = 999"));

    expect(await refusal()).toMatchObject({
      kind: "DATA_FOLDER",
      message: expect.stringMatching(
        /version 999.*knows \d+.*use the program that wrote it, or a newer one/,
      ),
    });

    change((db) => {
      expect(db.query("PRAGMA user_version").get()).toEqual({ user_version: 999 });
      expect(db.query("SELECT value FROM settings").all()).toEqual([{ value: "value" }]);
    });
  });

  test.each([
    ["is none", async () => void (await Bun.write(path, "this is no database ".repeat(500)))],
    ["is a folder", async () => void (await Bun.write(join(path, "x"), "x"))],
    [
      "is in a folder that does not exist",
      async () => void (path = join(folder, "nowhere", "metadata.sqlite")),
    ],
  ])("is refused as a data folder that cannot be used when it %s", async (_, arrange) => {
    await arrange();

    expect(await refusal()).toMatchObject({ kind: "DATA_FOLDER" });
  });

  test("that was refused leaves nothing running: the program can end", async () => {
    await create();
    change((db) => db.run("PRAGMA user_version = 999"));
    const program = `
      const { openSqlite } = await import(${JSON.stringify(new URL("./sqlite.ts", import.meta.url).href)});
      await openSqlite(${JSON.stringify(path)}).catch(() => console.log("refused"));
    `;

    const child = Bun.spawn([process.execPath, "-e", program], {
      timeout: 5000,
      killSignal: "SIGKILL",
    });

    expect(await new Response(child.stdout).text()).toBe("refused\n");
    expect({ code: await child.exited, signal: child.signalCode }).toEqual({
      code: 0,
      signal: null,
    });
  });

  test("keeps for each tag the manifests that it has named and when it last did, until the tag goes", async () => {
    const name = parseName("team/app");
    const metadata = await openSqlite(path);
    const put = async (word: string, tag: string, at: number): Promise<unknown> =>
      await metadata.putManifest(pushOf(name, word, { tags: [tag], at }));
    for (const [word, at] of [
      ["one", 1],
      ["two", 2],
      ["one", 3],
    ] as const)
      await put(word, "v1", at);
    await put("two", "v2", 4);
    await metadata.removeTag(name, parseTag("v2"), 2000);
    await metadata.close();

    change((db) => {
      expect(db.query("SELECT tag, digest, at FROM tag_history ORDER BY at").all()).toEqual([
        { tag: "v1", digest: digestFor("two"), at: 2 },
        { tag: "v1", digest: digestFor("one"), at: 3 },
      ]);
    });
  });

  test("remembers when a link was last seen, and never an earlier time than it knew", async () => {
    const name = parseName("team/app");
    const blob = { digest: digestFor("layer"), size: 5 };
    const metadata = await openSqlite(path);
    for (const at of [1000, 3000, 2000]) await metadata.linkBlob(name, blob, at, null);
    await metadata.close();

    change((db) => {
      expect(db.query("SELECT linked_at, seen_at FROM repository_blobs").all()).toEqual([
        { linked_at: 1000, seen_at: 3000 },
      ]);
    });
  });

  test("keeps what only it knows when a repository is compared with its tree", async () => {
    const name = parseName("team/app");
    const metadata = await openSqlite(path);
    for (const at of [1000, 3000]) {
      await metadata.linkBlob(name, { digest: digestFor("layer"), size: 5 }, at, null);
    }
    await metadata.putManifest(pushOf(name, "one", { tags: ["same", "moved"], at: 10 }));
    const { tags, ...tree } = snapshotOf(name, ["layer"], { one: "same", two: "moved" });

    await metadata.replaceRepository({ ...tree, tags });
    await metadata.close();

    change((db) => {
      expect(db.query("SELECT linked_at, seen_at FROM repository_blobs").all()).toEqual([
        { linked_at: 1000, seen_at: 3000 },
      ]);
      expect(db.query("SELECT name, pushed_at FROM tags ORDER BY name").all()).toEqual([
        { name: "moved", pushed_at: 600 },
        { name: "same", pushed_at: 10 },
      ]);
      expect(db.query("SELECT pushed_at FROM manifests ORDER BY pushed_at").all()).toEqual([
        { pushed_at: 10 },
        { pushed_at: 500 },
      ]);
      expect(db.query("SELECT tag, digest, at FROM tag_history ORDER BY tag, at").all()).toEqual([
        { tag: "moved", digest: digestFor("one"), at: 10 },
        { tag: "moved", digest: digestFor("two"), at: 600 },
        { tag: "same", digest: digestFor("one"), at: 10 },
      ]);
    });
  });

  test("has every change that was acknowledged after a kill", async () => {
    const program = `
      const { openSqlite } = await import(${JSON.stringify(new URL("./sqlite.ts", import.meta.url).href)});
      const metadata = await openSqlite(${JSON.stringify(path)});
      for (let n = 1; ; n++) {
        await Promise.all([1, 2, 3].map((part) => metadata.setSetting(n + "." + part, "x")));
        console.log(n);
      }
    `;
    const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
    let output = "";
    for await (const chunk of child.stdout) {
      output += new TextDecoder().decode(chunk);
      if (output.split("\n").length > 30) child.kill("SIGKILL");
    }
    await child.exited;
    const acknowledged = output.split("\n").slice(0, -1).map(Number);

    const metadata = await openSqlite(path);
    const lost: string[] = [];
    for (const key of acknowledged.flatMap((n) => [1, 2, 3].map((part) => `${n}.${part}`))) {
      if ((await metadata.getSetting(key)) === null) lost.push(key);
    }
    await metadata.close();

    expect(acknowledged.length).toBeGreaterThanOrEqual(30);
    expect(lost).toEqual([]);
  });
});
