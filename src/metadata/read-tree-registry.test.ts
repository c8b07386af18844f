import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { rm, stat, symlink } from "node:fs/promises";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { group } from "../../test/support/group.ts";
import { type Fixture, image, index } from "../../test/support/image.ts";
import { fileLayer } from "../../test/support/layout.ts";
import { mediaTypes } from "../../test/support/oci.ts";
import { catalogOf, tagsOf } from "../../test/support/pull.ts";
import { expectStatus } from "../../test/support/push.ts";
import { startDockerRegistry } from "../../test/support/server.ts";
import { parseDigest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { type Reference, parseReference, parseTag } from "../oci/reference.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { revisionLink, tagCurrentLink } from "../storage/tree.ts";
import type { Metadata, ReferrerRecord } from "./metadata.ts";
import { readTree } from "./read-tree.ts";
import { openSqlite } from "./sqlite.ts";

setDefaultTimeout(60_000);

const ALL = { last: null, limit: 1000 };

/** What was pushed, and what is not there any more. */
interface Pushed {
  readonly tags: Readonly<Record<string, Readonly<Record<string, Fixture>>>>;
  readonly signature: Fixture;
  readonly deleted: Fixture;
}

/** Fills a registry as people do: platforms, both formats, tags that move, deletes, mounts, signatures. */
async function fill(url: string): Promise<Pushed> {
  const platforms = ["amd64", "arm64"].map((architecture) =>
    image({ layers: 2, platform: { os: "linux", architecture } }),
  );
  const all = index(platforms);
  const shared = await fileLayer({ "etc/hostname": "shared" });
  const first = image({ layers: [shared] });
  const helper = image({ layers: [shared], annotations: { note: "shares a layer" } });
  const [second, deleted] = [image({ layers: 3 }), image()];
  const docker = index([image({ dockerSchema2: true })], { dockerSchema2: true });
  const signature = image({ artifactType: "application/x.signature", subject: all.descriptor });
  await all.push(url, "team/app", "v1", "latest");
  await first.push(url, "team/app", "moved", "first");
  await second.push(url, "team/app", "moved");
  await deleted.push(url, "team/app", "deleted");
  await signature.push(url, "team/app");
  await docker.push(url, "team/app/docker", "v1");
  await first.push(url, "team", "x");
  await helper.push(url, "deep/er/still", "x");
  const manifest = `${url}/v2/team/app/manifests/${deleted.digest}`;
  await expectStatus(202, manifest, { method: "DELETE" });
  // Begun and never finished: this is no repository.
  await expectStatus(202, `${url}/v2/never/finished/blobs/uploads/`, { method: "POST" });
  return {
    signature,
    deleted,
    tags: {
      "deep/er/still": { x: helper },
      team: { x: first },
      "team/app": { first, latest: all, moved: second, v1: all },
      "team/app/docker": { v1: docker },
    },
  };
}

/** What a registry says about a repository, over its API or from the metadata, in one form. */
interface Answers {
  tags(name: string): Promise<string[]>;
  manifest(name: string, reference: string): Promise<{ mediaType: string; bytes: string } | null>;
  blobSize(name: string, digest: string): Promise<number | null>;
}

function overApi(url: string): Answers {
  const accept = Object.values(mediaTypes).join(", ");
  return {
    tags: (name) => tagsOf(url, name),
    async manifest(name, reference) {
      const path = `${url}/v2/${name}/manifests/${reference}`;
      const response = await fetch(path, { headers: { accept } });
      const bytes = await response.text();
      if (response.status !== 200) return null;
      return { mediaType: response.headers.get("content-type") ?? "", bytes };
    },
    async blobSize(name, digest) {
      const response = await fetch(`${url}/v2/${name}/blobs/${digest}`, { method: "HEAD" });
      return response.status === 200 ? Number(response.headers.get("content-length")) : null;
    },
  };
}

function fromMetadata(metadata: Metadata): Answers {
  return {
    async tags(name) {
      return ((await metadata.listTags(parseName(name), ALL)) ?? []).map(({ tag }) => tag);
    },
    async manifest(name, reference) {
      const found = await metadata.findManifest(parseName(name), parseReference(reference));
      return found && { mediaType: found.mediaType, bytes: Buffer.from(found.bytes).toString() };
    },
    async blobSize(name, digest) {
      return (await metadata.findBlob(parseName(name), parseDigest(digest)))?.size ?? null;
    },
  };
}

/** Every answer that a client could ask for, about all that was pushed anywhere. */
async function allAnswers(pushed: Pushed, answers: Answers): Promise<Record<string, unknown>> {
  const roots = [pushed.signature, pushed.deleted];
  for (const tags of Object.values(pushed.tags)) roots.push(...Object.values(tags));
  const fixtures = new Set(roots.flatMap((root) => [root, ...root.children]));
  const given: Record<string, unknown> = {};
  for (const name of Object.keys(pushed.tags)) {
    const tags = await answers.tags(name);
    given[`${name} tags`] = tags;
    for (const reference of [...tags, ...[...fixtures].map(({ digest }) => digest)]) {
      given[`${name} ${reference}`] = await answers.manifest(name, reference);
    }
    for (const { descriptor } of [...fixtures].flatMap(({ blobs }) => blobs)) {
      given[`${name} ${descriptor.digest}`] = await answers.blobSize(name, descriptor.digest);
    }
  }
  return given;
}

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
  const api = await allAnswers(pushed, overApi(registry.url));
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
      expect(await allAnswers(pushed, fromMetadata(metadata))).toEqual(api);
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
    const before = await allAnswers(pushed, fromMetadata(metadata));
    const { digest = "" } = pushed.tags["team/app"]?.["first"] ?? {};
    const link = `${data}/${revisionLink(parseName("team/app"), parseDigest(digest))}`;
    // A circle of symbolic links is an error that also root gets.
    await rm(link);
    await symlink("link", link);

    const report = await readTree(storage, metadata, { now: Date.now });

    expect(report.problems).toMatchObject([{ repository: "team/app" }]);
    expect(report.problems[0]?.problem).toContain("ELOOP");
    expect(await allAnswers(pushed, fromMetadata(metadata))).toEqual(before);
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
