import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { type Folder, temporaryFolder } from "../../../test/support/folder.ts";
import { digestOf } from "../../oci/digest.ts";
import { parseName } from "../../oci/name.ts";
import { type FactsCacheOptions, factsFile, openFactsCache } from "./facts-cache.ts";

const APP = parseName("app");
const digest = (text: string) => digestOf(new TextEncoder().encode(text));
const [ONE, TWO] = [digest("one"), digest("two")];

function open(folder: Folder, more: Partial<FactsCacheOptions> = {}) {
  const warnings: string[] = [];
  const warn = (line: string): void => void warnings.push(line);
  const file = folder.at("cache", "facts.sqlite");
  const usual = { file, origin: "https://a", warn, now: () => 0 };
  const cache = openFactsCache({ ...usual, ...more });
  return { cache, warnings, file, [Symbol.dispose]: () => cache.close() };
}

describe("the cache of facts", () => {
  test("knows in the next run what was kept in this one, and nothing that was not", async () => {
    await using folder = await temporaryFolder();
    {
      using first = open(folder);
      first.cache.keep(APP, "manifest", ONE, { size: 7 });
      expect(first.cache.find(APP, "manifest", ONE)).toEqual({ size: 7 });
    }
    using next = open(folder);

    expect(next.cache.find(APP, "manifest", ONE)).toEqual({ size: 7 });
    expect(next.cache.find(APP, "config", ONE)).toBeNull();
    expect(next.cache.find(APP, "manifest", TWO)).toBeNull();
    expect(next.cache.find(parseName("other"), "manifest", ONE)).toBeNull();
    expect(next.warnings).toEqual([]);
  });

  test("of one registry is nothing that another is known by", async () => {
    await using folder = await temporaryFolder();
    {
      using first = open(folder);
      first.cache.keep(APP, "manifest", ONE, { size: 7 });
    }
    using other = open(folder, { origin: "https://b" });

    expect(other.cache.find(APP, "manifest", ONE)).toBeNull();
  });

  test("is used by two at once", async () => {
    await using folder = await temporaryFolder();
    using one = open(folder);
    using two = open(folder);

    for (let at = 0; at < 100; at++) {
      (at % 2 === 0 ? one : two).cache.keep(APP, "manifest", digest(String(at)), { at });
      one.cache.flush();
      two.cache.flush();
    }

    for (let at = 0; at < 100; at++) {
      expect(one.cache.find(APP, "manifest", digest(String(at)))).toEqual({ at });
    }
    expect([...one.warnings, ...two.warnings]).toEqual([]);
  });

  test("drops what was not used for longest when it grows too large", async () => {
    await using folder = await temporaryFolder();
    let day = 0;
    const now = () => day * 86_400_000;
    const fact = { text: "x".repeat(1000) };
    using it = open(folder, { largest: 400_000, now });
    for (day = 1; day <= 20; day++) {
      for (let at = 0; at < 50; at++) it.cache.keep(APP, "manifest", digest(`${day} ${at}`), fact);
      it.cache.flush();
      it.cache.find(APP, "manifest", digest("1 0"));
    }

    expect(it.cache.find(APP, "manifest", digest("20 49"))).toEqual(fact);
    expect(it.cache.find(APP, "manifest", digest("1 0"))).toEqual(fact);
    expect(it.cache.find(APP, "manifest", digest("1 1"))).toBeNull();
    expect((await stat(it.file)).size).toBeLessThan(1_000_000);
  });
});

describe("a cache that is of no use", () => {
  test.each([
    ["no database", async (file: string) => await writeFile(file, "x".repeat(8192))],
    ["a database that was cut off", async (file: string) => await cutOff(file)],
    ["a fact that somebody changed", async (file: string) => await change(file)],
  ])("because it is %s, is thrown away with one warning, and fills again", async (_, damage) => {
    await using folder = await temporaryFolder();
    {
      using first = open(folder);
      for (let at = 0; at < 300; at++) {
        first.cache.keep(APP, "manifest", digest(String(at)), { at, text: "x".repeat(200) });
      }
    }
    await damage(folder.at("cache", "facts.sqlite"));
    using it = open(folder);
    for (let at = 0; at < 300; at++) it.cache.find(APP, "manifest", digest(String(at)));

    it.cache.keep(APP, "manifest", ONE, { size: 8 });
    it.cache.flush();

    expect(it.warnings).toHaveLength(1);
    expect(it.warnings[0]).toContain("thrown away");
    using next = open(folder);
    expect(next.cache.find(APP, "manifest", ONE)).toEqual({ size: 8 });
    expect(next.warnings).toEqual([]);
  });

  test("because it cannot be opened, is done without after one warning", async () => {
    await using folder = await temporaryFolder();
    await mkdir(folder.at("cache", "facts.sqlite"), { recursive: true });
    using it = open(folder);

    it.cache.keep(APP, "manifest", ONE, { size: 8 });
    it.cache.flush();

    expect(it.cache.find(APP, "manifest", ONE)).toBeNull();
    expect(it.warnings).toHaveLength(1);
  });

  test("because another version wrote it, is begun anew", async () => {
    await using folder = await temporaryFolder();
    {
      using first = open(folder);
      first.cache.keep(APP, "manifest", ONE, { size: 7 });
    }
    const database = new Database(folder.at("cache", "facts.sqlite"));
    database.run("PRAGMA user_version = 99");
    database.close();
    using it = open(folder);

    expect(it.cache.find(APP, "manifest", ONE)).toBeNull();
    expect(it.warnings).toEqual([]);
  });
});

test("the cache lies with other state, else where caches lie", () => {
  expect(factsFile("/state", { HOME: "/home/me" })).toBe("/state/wharf-facts.sqlite");
  expect(factsFile(null, { HOME: "/home/me" })).toBe("/home/me/.cache/wharfinger/facts.sqlite");
  expect(factsFile(null, { HOME: "/home/me", XDG_CACHE_HOME: "/c" })).toBe(
    "/c/wharfinger/facts.sqlite",
  );
  expect(factsFile(null, {})).toBeNull();
});

async function cutOff(file: string): Promise<void> {
  const bytes = await Bun.file(file).bytes();
  await writeFile(file, bytes.subarray(0, Math.floor(bytes.length / 8192) * 4096));
}

async function change(file: string): Promise<void> {
  const database = new Database(file);
  database.run(`UPDATE facts SET fact = replace(fact, '"at":7,', '"at":8,')`);
  database.close();
  await Promise.resolve();
}
