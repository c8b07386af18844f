import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { rm, stat, symlink } from "node:fs/promises";
import {
  type Pushed,
  allAnswers,
  fill,
  fromMetadata,
  overApi,
  subjectsOf,
} from "../../test/support/filled-registry.ts";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { group } from "../../test/support/group.ts";
import { image } from "../../test/support/image.ts";
import { catalogOf } from "../../test/support/pull.ts";
import { startDockerRegistry } from "../../test/support/server.ts";
import { parseDigest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { type Reference, parseTag } from "../oci/reference.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { revisionLink, tagCurrentLink } from "../storage/tree.ts";
import type { ReferrerRecord } from "./metadata.ts";
import { readTree } from "./read-tree.ts";
import { openSqlite } from "./sqlite.ts";

setDefaultTimeout(60_000);

const ALL = { last: null, limit: 1000 };

/** All rows of all tables, but for the numbers that SQLite gives to rows. */
function allRows(path: string): Record<string, unknown> {
  const db = new Database(path, { readonly: true });
  const tables = db
    .query<{ name: string }, []>(
      "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
    )
    .all();
  const rows = tables.map(({ name }) => {
    const all = db.query<Record<string, unknown>, []>(`SELECT * FROM ${name}`).all();
    const texts = all.map((row) => Bun.inspect(name === "manifests" ? { ...row, id: 0 } : row));
    return [name, texts.toSorted()] as const;
  });
  db.close();
  return Object.fromEntries(rows);
}

interface Filled {
  readonly data: string;
  readonly pushed: Pushed;
  readonly api: Readonly<Record<string, unknown>>;
  readonly catalog: string[];
}

/** A data folder that the registry has filled and left, and what it said about it. */
async function filled(folder: Folder): Promise<Filled> {
  const data = folder.at("data");
  await using registry = await startDockerRegistry(data);
  const pushed = await fill(registry.url);
  const api = await allAnswers(subjectsOf(pushed), overApi(registry.url));
  return { data, pushed, api, catalog: await catalogOf(registry.url) };
}

group("a tree that Debian's docker-registry has written", ["docker-registry"], () => {
  for (const blocking of [false, true]) {
    test(`is read equal to what its API says${blocking ? ", also by calls that block" : ""}`, async () => {
      await using folder = await temporaryFolder();
      const { data, pushed, api, catalog } = await filled(folder);
      const metadata = await openSqlite(folder.at("metadata.sqlite"));

      const report = await readTree(filesystemStorage(data, { blocking }), metadata, {
        now: Date.now,
      });

      expect(report.problems).toEqual([]);
      expect(await allAnswers(subjectsOf(pushed), fromMetadata(metadata))).toEqual(api);
      expect((await metadata.listRepositories(ALL)).map(String)).toEqual(catalog);
      expect(catalog).toEqual(Object.keys(pushed.tags));
      await metadata.close();
    });
  }

  test("keeps its times, and shows the referrers that it could not", async () => {
    await using folder = await temporaryFolder();
    const { data, pushed } = await filled(folder);
    const metadata = await openSqlite(folder.at("metadata.sqlite"));
    await readTree(filesystemStorage(data), metadata, { now: Date.now });
    const app = parseName("team/app");

    const tags = (await metadata.listTags(app, ALL)) ?? [];
    for (const { tag, pushedAt } of tags) {
      const { mtimeMs } = await stat(`${data}/${tagCurrentLink(app, tag)}`);
      expect(pushedAt).toBe(Math.floor(mtimeMs));
    }
    const subject = parseDigest(pushed.tags["team/app"]?.["v1"]?.digest ?? "");
    const referrers = await metadata.listReferrers(app, subject, null, ALL);
    expect(referrers.map(({ digest }: ReferrerRecord) => digest as string)).toEqual([
      pushed.signature.digest,
    ]);
    await metadata.close();
  });

  test("changes nothing when it is read again, and nothing changes in it", async () => {
    await using folder = await temporaryFolder();
    const { data } = await filled(folder);
    const before = await treeState(data);
    const path = folder.at("metadata.sqlite");
    const metadata = await openSqlite(path);
    const storage = filesystemStorage(data);

    const first = await readTree(storage, metadata, { now: Date.now });
    const rows = allRows(path);
    const second = await readTree(storage, metadata, { now: Date.now });

    expect(second).toEqual({ ...first, changed: 0, manifests: 0, tags: 0, blobs: 0 });
    expect(allRows(path)).toEqual(rows);
    expect(await treeState(data)).toEqual(before);
    await metadata.close();
  });

  test("shows what the registry did in between when only those repositories are read again", async () => {
    await using folder = await temporaryFolder();
    const { data } = await filled(folder);
    const metadata = await openSqlite(folder.at("metadata.sqlite"));
    const storage = filesystemStorage(data);
    await readTree(storage, metadata, { now: Date.now });
    const added = image();
    {
      await using registry = await startDockerRegistry(data);
      await added.push(registry.url, "team/app", "latest", "added");
      await added.push(registry.url, "team", "added");
    }
    const app = parseName("team/app");
    await readTree(storage, metadata, { now: Date.now, repositories: [app] });

    const found = async (name: string, tag: string): Promise<string | undefined> => {
      const reference: Reference = parseTag(tag);
      return (await metadata.findManifest(parseName(name), reference))?.digest;
    };
    expect(await found("team/app", "latest")).toBe(added.digest);
    expect(await found("team/app", "added")).toBe(added.digest);
    expect(await found("team/app", "v1")).not.toBe(added.digest);
    expect(await found("team", "added")).toBeUndefined();
    await metadata.close();
  });

  test("with a link that cannot be read, by the disk, keeps what was known", async () => {
    await using folder = await temporaryFolder();
    const { data, pushed } = await filled(folder);
    const metadata = await openSqlite(folder.at("metadata.sqlite"));
    const storage = filesystemStorage(data, { blocking: true });
    await readTree(storage, metadata, { now: Date.now });
    const before = await allAnswers(subjectsOf(pushed), fromMetadata(metadata));
    const { digest = "" } = pushed.tags["team/app"]?.["first"] ?? {};
    const link = `${data}/${revisionLink(parseName("team/app"), parseDigest(digest))}`;
    // A circle of symbolic links is an error that also root gets.
    await rm(link);
    await symlink("link", link);

    const report = await readTree(storage, metadata, { now: Date.now });

    expect(report.problems).toMatchObject([{ repository: "team/app" }]);
    expect(report.problems[0]?.problem).toContain("ELOOP");
    expect(await allAnswers(subjectsOf(pushed), fromMetadata(metadata))).toEqual(before);
    await metadata.close();
  });
});

/** Every file with its size and time. */
async function treeState(data: string): Promise<string[]> {
  const paths = await Array.fromAsync(new Bun.Glob("**/*").scan({ cwd: data, dot: true }));
  const states = paths.map(async (path) => {
    const { size, mtimeMs } = await stat(`${data}/${path}`);
    return `${path} ${size} ${mtimeMs}`;
  });
  return (await Promise.all(states)).toSorted();
}
