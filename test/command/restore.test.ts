import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseName } from "../../src/oci/name.ts";
import { backUp, restoreAll, restoreAsked, runBackup, runRestore } from "../support/backup.ts";
import { checkFolder, expectClean } from "../support/clean.ts";
import { allAnswers, fill, overApi, subjectsOf } from "../support/filled-registry.ts";
import { type Folder, filesBelow, temporaryFolder } from "../support/folder.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { localRegistry } from "../support/local-registry.ts";
import { notServed, tagsOf } from "../support/pull.ts";
import { expectStatus } from "../support/push.ts";
import { run } from "../support/run.ts";
import { startWharf } from "../support/server.ts";
import { newTreeIn } from "../support/stored-tree.ts";
import { inTree } from "../support/tree.ts";

setDefaultTimeout(60_000);

/** A data folder with these images, `repository:tag`, and a backup of it. */
async function backedUp(folder: Folder, images: Record<string, Fixture>): Promise<string> {
  const data = folder.at(`data-${Object.keys(images).length}`);
  await using registry = await localRegistry({}, { data });
  for (const [name, fixture] of Object.entries(images)) {
    const [repository = "", tag = ""] = name.split(":");
    await fixture.push(registry.url, repository, tag);
  }
  await backUp(data, folder.at("backup.tar"));
  return folder.at("backup.tar");
}

async function expectServed(url: string, images: Record<string, Fixture>): Promise<void> {
  for (const [name, fixture] of Object.entries(images)) {
    const [repository = "", tag = ""] = name.split(":");
    expect(await notServed(url, repository, tag, fixture)).toEqual([]);
  }
}

describe("wharf restore", () => {
  test("shows what it would do, asks, and does nothing without a yes", async () => {
    await using folder = await temporaryFolder();
    const backup = await backedUp(folder, { "team/app:1": image(), "team/app:2": image() });
    const to = folder.at("to");

    const dry = await runRestore(backup, "--data", to, "-n");
    expect([dry.exit, dry.out[1]]).toEqual([0, "  team/app  (new, 2 manifests, 2 tags to add)"]);
    const nobody = await runRestore(backup, "--data", to);
    expect([nobody.exit, nobody.err.at(-1)]).toEqual([
      2,
      expect.stringContaining("nothing was restored; there is no terminal to ask, add --yes"),
    ]);
    const no = await restoreAsked({ answers: "n" }, backup, "--data", to);
    expect([no.exit, no.asked]).toEqual([2, [`Restore into ${to}? [y/N] `]]);
    expect((await filesBelow(to)).filter((path) => path.startsWith("docker"))).toEqual([]);

    const yes = await restoreAsked({ answers: "yes" }, backup, "--data", to);
    expect([yes.exit, yes.out]).toEqual([
      0,
      [expect.stringMatching(/^restored 1 repository into .*: 2 tags added, 6 blobs brought/)],
    ]);
    await expectClean(to);
  });

  test("into a registry that has something keeps it, and changes nothing the second time", async () => {
    await using folder = await temporaryFolder();
    const images = { "team/app:1": image(), "team/other:1": image() };
    const backup = await backedUp(folder, images);
    const to = folder.at("to");
    const mine = image();
    {
      await using registry = await localRegistry({}, { data: to });
      await mine.push(registry.url, "team/app", "mine");
      await mine.push(registry.url, "own", "1");
    }

    await restoreAll(to, backup);
    await expectClean(to);
    const files = await filesBelow(join(to, "docker"));
    const again = await runRestore(backup, "--data", to);
    expect([again.exit, again.err.at(-1)]).toEqual([0, "  all of it is there already"]);
    expect(await filesBelow(join(to, "docker"))).toEqual(files);

    const warnings: string[] = [];
    const events = { warn: (_: unknown, message: string) => void warnings.push(message) };
    await using registry = await localRegistry({}, { data: to, events });
    await expectServed(registry.url, { ...images, "team/app:mine": mine, "own:1": mine });
    expect(warnings).toEqual([]);
  });

  test("moves a tag that names something else only when told, and says which it kept", async () => {
    await using folder = await temporaryFolder();
    const old = image();
    const backup = await backedUp(folder, { "team/app:1": old, "team/app:2": image() });
    const to = folder.at("to");
    const young = image();
    {
      await using registry = await localRegistry({}, { data: to });
      await young.push(registry.url, "team/app", "1");
    }

    const kept = await runRestore(backup, "--data", to, "--yes");
    expect(kept.exit).toBe(3);
    expect(kept.err.at(-2)).toMatch(/^kept team\/app:1: it names [0-9a-f]{12}, in the backup/);
    {
      await using registry = await localRegistry({}, { data: to });
      await expectServed(registry.url, { "team/app:1": young });
      expect(await tagsOf(registry.url, "team/app")).toEqual(["1", "2"]);
    }
    const moved = await runRestore(backup, "--data", to, "--yes", "--overwrite-tags");
    expect([moved.exit, moved.out.join()]).toEqual([0, expect.stringContaining("1 moved")]);
    await using registry = await localRegistry({}, { data: to });
    await expectServed(registry.url, { "team/app:1": old });
  });

  test("brings back only the repositories that were asked for", async () => {
    await using folder = await temporaryFolder();
    const backup = await backedUp(folder, {
      "team/a:1": image(),
      "team/b:1": image(),
      "x:1": image(),
    });
    const to = folder.at("to");

    const { exit } = await runRestore(backup, "--data", to, "--yes", "--repository", "team/**");
    expect(exit).toBe(0);
    const { checked } = await checkFolder(to);
    expect(checked).toMatchObject({ repositories: 2, tags: 2 });
    const none = await runRestore(backup, "--data", to, "--yes", "--repository", "no/such");
    expect([none.exit, none.err.join()]).toEqual([
      2,
      expect.stringContaining("no repository of that"),
    ]);
  });

  test("heals blobs that are damaged or missing in the registry", async () => {
    await using folder = await temporaryFolder();
    const whole = image({ layers: 2, size: 200_000 });
    const to = folder.at("to");
    {
      await using registry = await localRegistry({}, { data: to });
      await whole.push(registry.url, "team/app", "1");
    }
    await backUp(to, folder.at("backup.tar"));
    const blob = (at: number) => inTree(to).blob(whole.blobs[at]!.descriptor.digest);
    const bytes = await readFile(blob(1));
    await writeFile(blob(1), bytes.fill(0, 0, 10));
    await rm(blob(2));
    expect((await checkFolder(to)).findings.length).toBeGreaterThan(0);

    await restoreAll(to, folder.at("backup.tar"));
    await expectClean(to);
  });

  test("of a chain needs every link of it, and names the one that is missing", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const [first, second, third] = [image({ size: 90_000 }), image(), image()];
    const at = (name: string) => folder.at(name);
    await using registry = await localRegistry({}, { data });
    await first.push(registry.url, "team/app", "1");
    await backUp(data, at("a.tar"));
    await second.push(registry.url, "team/app", "2");
    const b = await backUp(data, at("b.tar.zst"), "--since", at("a.tar"));
    await third.push(registry.url, "team/app", "3", "1");
    await backUp(data, at("c"), "--since", at("b.tar.zst"));
    expect(b.here.blobs).toBe(3);
    expect(b.whole.blobs).toBe(6);

    const lone = await runRestore(at("c"), "--data", at("to"), "--yes");
    expect([lone.exit, lone.err.join()]).toEqual([
      1,
      expect.stringMatching(/you did not give the one of \S+ \(\S+\), the one of \S+ \(\S+\)/),
    ]);
    await backUp(data, at("other.tar"));
    const wrong = await runRestore(at("c"), at("other.tar"), "--data", at("to"), "--yes");
    expect([wrong.exit, wrong.err.join()]).toEqual([
      1,
      expect.stringContaining("does not build on it"),
    ]);

    await restoreAll(at("to"), at("a.tar"), at("c"), at("b.tar.zst"));
    expect((await expectClean(at("to"))).tags).toBe(3);
    await using restored = await localRegistry({}, { data: at("to") });
    await expectServed(restored.url, { "team/app:1": third, "team/app:2": second });
    expect(await notServed(restored.url, "team/app", first.digest, first)).toEqual([]);
  });

  test("keeps when tags were pushed, to the second", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const pushed = Date.UTC(2024, 3, 5, 6, 7, 8);
    await newTreeIn(data).put(parseName("team/app"), image(), "1");
    const link = "docker/registry/v2/repositories/team/app/_manifests/tags/1/current/link";
    await run(["touch", "-d", new Date(pushed).toISOString(), join(data, link)]);
    await backUp(data, folder.at("a.tar"));

    await restoreAll(folder.at("to"), folder.at("a.tar"));

    expect(Math.floor((await stat(folder.at("to", link))).mtimeMs / 1000)).toBe(pushed / 1000);
  });

  test("puts users where there are none, when told, and keeps those that are there", async () => {
    await using folder = await temporaryFolder();
    await backedUp(folder, { "team/app:1": image() });
    const data = folder.at("data-1");
    await writeFile(join(data, "wharfinger", "htpasswd"), "alice:x\n");
    await writeFile(join(data, "wharfinger", "tokens.json"), "{}");
    const backup = folder.at("users.tar");
    await backUpWithUsers(data, backup);
    const to = folder.at("to");
    await mkdir(join(to, "wharfinger"), { recursive: true });
    await writeFile(join(to, "wharfinger", "tokens.json"), "mine");

    await restoreAll(to, backup);
    expect(await filesBelow(join(to, "wharfinger"))).not.toContain("htpasswd");
    const { exit, err } = await runRestore(backup, "--data", to, "--with-users");

    expect(exit).toBe(0);
    expect(err.slice(-2).toSorted()).toEqual([
      `kept ${to}/wharfinger/tokens.json, which is there already`,
      `restored ${to}/wharfinger/htpasswd`,
    ]);
    const users = join(to, "wharfinger", "htpasswd");
    expect([await readFile(users, "utf8"), (await stat(users)).mode & 0o777]).toEqual([
      "alice:x\n",
      0o600,
    ]);
    expect(await readFile(join(to, "wharfinger", "tokens.json"), "utf8")).toBe("mine");
  });

  test("does not touch a folder that a server has open, and says how it goes through it", async () => {
    await using folder = await temporaryFolder();
    const backup = await backedUp(folder, { "team/app:1": image() });
    await using server = await startWharf({ data: folder.at("to") });
    const { exit, err } = await runRestore(backup, "--data", folder.at("to"), "--yes");
    expect([exit, err.join()]).toEqual([
      1,
      expect.stringContaining(`restore through it with --registry ${server.url}`),
    ]);
  });
});

async function backUpWithUsers(data: string, target: string): Promise<void> {
  const { exit } = await runBackup(target, "--data", data, "--with-users");
  expect(exit).toBe(0);
}

describe("wharf restore into a running registry", () => {
  test("pushes what it lacks, images and indexes, and the second time nothing", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    let before: Record<string, unknown>;
    let pushed;
    {
      await using registry = await localRegistry({}, { data });
      pushed = await fill(registry.url);
      // In several pieces, so that the way of large layers is gone too.
      await image({ size: 9_000_000 }).push(registry.url, "team", "large");
      before = await allAnswers(subjectsOf(pushed), overApi(registry.url));
      await backUp(data, folder.at("a.tar.zst"));
    }
    const to = folder.at("to");
    {
      await using registry = await localRegistry({}, { data: to });
      const args = [folder.at("a.tar.zst"), "--registry", registry.host, "--yes"];
      const first = await runRestore(...args);
      expect([first.exit, first.out.join()]).toEqual([0, expect.stringContaining("8 tags added")]);
      expect(await allAnswers(subjectsOf(pushed), overApi(registry.url))).toEqual(before);
      const second = await runRestore(...args);
      expect([second.exit, second.err.at(-1)]).toEqual([0, "  all of it is there already"]);
    }
    await expectClean(to);
    expect((await backUp(to, folder.at("b.tar"))).whole).toEqual(
      (await backUp(data, folder.at("c.tar"))).whole,
    );
  });

  test("keeps tags, and goes on when an image is refused", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const [here, elsewhere, old, young] = [image(), image(), image(), image()];
    const sparse = index([here, elsewhere]);
    {
      await using registry = await localRegistry({ sparse: true }, { data });
      await here.push(registry.url, "team/app", "good");
      await old.push(registry.url, "team/app", "moved");
      const { bytes, mediaType } = sparse;
      const headers = { "content-type": mediaType };
      const path = `${registry.url}/v2/team/app/manifests/sparse`;
      await expectStatus(201, path, { method: "PUT", headers, body: bytes });
    }
    await backUpQuietly(data, folder.at("a.tar"));
    await using registry = await localRegistry();
    await young.push(registry.url, "team/app", "moved");

    const { exit, err } = await runRestore(
      folder.at("a.tar"),
      "--registry",
      registry.host,
      "--yes",
    );

    expect(exit).toBe(3);
    expect(err.filter((line) => /^(kept|refused)/.test(line))).toEqual([
      expect.stringMatching(/^kept team\/app:moved/),
      expect.stringMatching(/^refused .*team\/app@sha256.*MANIFEST_BLOB_UNKNOWN/),
    ]);
    await expectServed(registry.url, { "team/app:good": here, "team/app:moved": young });
  });
});

async function backUpQuietly(data: string, target: string): Promise<void> {
  const { exit } = await runBackup(target, "--data", data, "-q");
  expect(exit).toBe(0);
}
