import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { appendFile, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { backUp, restoreAll, runBackup, runRestore } from "../support/backup.ts";
import { expectClean } from "../support/clean.ts";
import { fill, overApi, allAnswers, subjectsOf } from "../support/filled-registry.ts";
import { filesBelow, temporaryFolder } from "../support/folder.ts";
import { image, index } from "../support/image.ts";
import { localRegistry } from "../support/local-registry.ts";
import { newTreeIn } from "../support/stored-tree.ts";
import { parseName } from "../../src/oci/name.ts";
import { inTree } from "../support/tree.ts";

setDefaultTimeout(60_000);

const MAIN = join(import.meta.dir, "..", "..", "src", "main.ts");

describe("wharf backup", () => {
  for (const target of ["a.tar", "a.tar.gz", "a.tgz", "a.tar.zst", "folder"]) {
    test(`into ${target} has all that is served, and the same set comes back`, async () => {
      await using folder = await temporaryFolder();
      const data = folder.at("data");
      const restored = folder.at("restored");
      let before: Record<string, unknown>;
      let made;
      let pushed;
      {
        await using registry = await localRegistry({}, { data });
        pushed = await fill(registry.url);
        before = await allAnswers(subjectsOf(pushed), overApi(registry.url));
        made = await backUp(data, folder.at(target));
      }

      await restoreAll(restored, folder.at(target));
      {
        await using registry = await localRegistry({}, { data: restored });
        expect(await allAnswers(subjectsOf(pushed), overApi(registry.url))).toEqual(before);
      }
      await expectClean(restored);

      const again = await backUp(restored, folder.at("again.tar"));
      expect(again.list).toBe(made.list);
      expect(again.whole).toEqual(made.whole);
    });
  }

  test("ends with one line of counts and bytes, and leaves nothing else beside the file", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await using registry = await localRegistry({}, { data });
    await image({ layers: 2, size: 100_000 }).push(registry.url, "team/app", "1");

    const { exit, out, err } = await runBackup(folder.at("to.tar"), "--data", data);

    expect([exit, err]).toEqual([0, []]);
    expect(out).toHaveLength(1);
    expect(out[0]).toMatch(
      /^backed up to .*to\.tar: 1 repository, 1 tag, 1 manifest, 4 blobs \(19\d KiB\)$/,
    );
    expect((await readdir(folder.path)).toSorted()).toEqual(["data", "to.tar"]);
    expect((await stat(folder.at("to.tar"))).mode & 0o777).toBe(0o600);
  });

  test("replaces neither a file nor a folder that is there, unless forced, and never what is no backup", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await using registry = await localRegistry({}, { data });
    await image().push(registry.url, "team/app", "1");
    await writeFile(folder.at("there.tar"), "mine");
    await folder.folder("mine");
    await writeFile(folder.at("mine", "photo"), "mine");
    await backUp(data, folder.at("whole"));

    for (const [target, flags, exit] of [
      ["there.tar", [], 5],
      ["mine", [], 5],
      ["mine", ["--force"], 5],
      ["data", ["--force"], 5],
      ["whole", [], 5],
      ["whole", ["--force"], 0],
      ["there.tar", ["--force"], 0],
    ] as const) {
      if (target === "there.tar" && exit === 0) {
        expect(await readFile(folder.at(target), "utf8")).toBe("mine");
      }
      const ran = await runBackup(folder.at(target), "--data", data, ...flags);
      expect({ target, exit: ran.exit }).toEqual({ target, exit });
    }
    expect(await readdir(folder.at("mine"))).toEqual(["photo"]);
  });

  test("brings a folder to what is now: what was deleted goes, and no blob is written twice", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const [kept, gone] = [image({ size: 100_000 }), image()];
    await using registry = await localRegistry({}, { data });
    await kept.push(registry.url, "team/app", "1");
    await gone.push(registry.url, "team/gone", "1");
    await backUp(data, folder.at("to"));
    const blob = inTree(folder.at("to")).blob(kept.blobs[1]!.descriptor.digest);
    const before = await stat(blob);
    await fetch(`${registry.url}/v2/team/gone/manifests/${gone.digest}`, { method: "DELETE" });

    const made = await backUp(data, folder.at("to"), "--force");

    expect(made.whole.tags).toBe(1);
    expect((await stat(blob)).ino).toBe(before.ino);
    await restoreAll(folder.at("restored"), folder.at("to"));
    expect((await expectClean(folder.at("restored"))).tags).toBe(1);
  });

  test("goes on with a folder that was not finished", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const whole = image({ layers: 3, size: 100_000 });
    await using registry = await localRegistry({}, { data });
    await whole.push(registry.url, "team/app", "1");
    const lost = inTree(data).blob(whole.blobs[3]!.descriptor.digest);
    const bytes = await readFile(lost);
    await rm(lost);
    const failed = await runBackup(folder.at("to"), "--data", data);
    expect(failed.exit).toBe(6);
    expect(await readdir(folder.at("to", "wharfinger"))).toContain("backup-unfinished");
    const copied = await filesBelow(folder.at("to", "docker"));
    await writeFile(lost, bytes);

    await backUp(data, folder.at("to"));

    const files = await filesBelow(folder.at("to", "docker"));
    expect(files).toEqual(expect.arrayContaining(copied));
    await restoreAll(folder.at("restored"), folder.at("to"));
    await expectClean(folder.at("restored"));
  });

  test("of a damaged registry fails and names the blob, or leaves out whole images", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const [good, bad] = [image({ size: 50_000 }), image({ size: 50_000 })];
    await using registry = await localRegistry({}, { data });
    await good.push(registry.url, "team/app", "good");
    await bad.push(registry.url, "team/app", "bad");
    await index([good, bad]).push(registry.url, "team/app", "multi");
    const layer = bad.blobs[1]!.descriptor.digest;
    const path = inTree(data).blob(layer);
    const bytes = await readFile(path);
    bytes[10] = bytes[10]! ^ 1;
    await writeFile(path, bytes);

    const refused = await runBackup(folder.at("a.tar"), "--data", data);
    expect(refused.exit).toBe(6);
    expect(refused.err.join()).toContain(`${layer} has not the bytes of its digest`);
    expect(await readdir(folder.path)).toEqual(["data"]);

    const made = await runBackup(folder.at("a.tar"), "--data", data, "--skip-damaged");
    expect(made.exit).toBe(3);
    expect(made.err.filter((line) => line.startsWith("left out")).toSorted()).toEqual([
      "left out team/app:bad: it is damaged",
      "left out team/app:multi: it is damaged",
      expect.stringMatching(/^left out team\/app@sha256/),
      expect.stringMatching(/^left out team\/app@sha256/),
    ]);
    await restoreAll(folder.at("restored"), folder.at("a.tar"));
    const { tags, manifests } = await expectClean(folder.at("restored"));
    expect({ tags, manifests }).toEqual({ tags: 1, manifests: 1 });
  });

  test("has in it what a sparse registry lacks, as there, and says so", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const [here, elsewhere] = [image(), image()];
    await using registry = await localRegistry({ sparse: true }, { data });
    await here.push(registry.url, "team/app");
    const { bytes, mediaType } = index([here, elsewhere]);
    await fetch(`${registry.url}/v2/team/app/manifests/sparse`, {
      method: "PUT",
      headers: { "content-type": mediaType },
      body: bytes,
    });

    const { exit, err } = await runBackup(folder.at("a.tar"), "--data", data);

    expect(exit).toBe(0);
    expect(err).toEqual([
      "1 manifest named content that is not in the registry, and does so in the backup",
    ]);
    await restoreAll(folder.at("restored"), folder.at("a.tar"));
    await expectClean(folder.at("restored"), { sparse: true });
  });

  test("of another registry's folder changes nothing in it, and says what could not be read", async () => {
    await using folder = await temporaryFolder();
    const data = await folder.folder("data");
    const tree = newTreeIn(data);
    const [first, second] = [image(), image()];
    await tree.put(parseName("team/app"), first, "1");
    await tree.put(parseName("team/app"), second, "2");
    await writeFile(
      join(data, "docker/registry/v2/repositories/team/app/_manifests/tags/2/current/link"),
      "",
    );
    const before = await filesBelow(data);

    const { exit, err, out } = await runBackup(folder.at("a.tar"), "--data", data);

    expect([exit, out.join()]).toEqual([
      0,
      expect.stringContaining("1 repository, 1 tag, 2 manifests"),
    ]);
    expect(err.join()).toContain("the link is empty or torn");
    expect(await filesBelow(data)).toEqual(before);
    await restoreAll(folder.at("restored"), folder.at("a.tar"));
    await expectClean(folder.at("restored"));
  });

  test("of what is no data folder, or to where nothing can be written, says what is wrong", async () => {
    await using folder = await temporaryFolder();
    await folder.folder("empty");
    const data = folder.at("data");
    {
      await using registry = await localRegistry({}, { data });
      await image().push(registry.url, "team/app", "1");
    }

    const none = await runBackup(folder.at("a.tar"), "--data", folder.at("empty"));
    expect([none.exit, none.err.join()]).toEqual([1, expect.stringContaining("is no data folder")]);
    const nowhere = await runBackup(folder.at("no", "such", "a.tar"), "--data", data);
    expect([nowhere.exit, nowhere.err.join()]).toEqual([1, expect.stringContaining("ENOENT")]);
  });

  test("takes users, tokens and a configuration along only when told, readable by the owner alone", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    {
      await using registry = await localRegistry({}, { data });
      await image().push(registry.url, "team/app", "1");
    }
    const secret = "$2b$10$canarycanarycanarycanary";
    await appendFile(join(data, "wharfinger", "htpasswd"), `alice:${secret}\n`);
    await writeFile(join(data, "wharfinger", "token-key.json"), `{"canary":"${secret}"}`);
    await writeFile(folder.at("my.yaml"), `# ${secret}\n`);

    await backUp(data, folder.at("plain.tar"));
    expect(await readFile(folder.at("plain.tar"), "latin1")).not.toContain(secret);

    const flags = ["--with-users", "--with-config", folder.at("my.yaml")];
    const { exit, err } = await runBackup(folder.at("all.tar"), "--data", data, ...flags);
    expect([exit, err]).toEqual([
      0,
      [
        "the backup holds secrets: htpasswd, token-key.json",
        "the backup holds my.yaml, with what is secret in it",
      ],
    ]);
    const listing = Bun.spawnSync(["tar", "tvf", folder.at("all.tar")]).stdout.toString();
    const secrets = listing.split("\n").filter((line) => /htpasswd|token-key|my\.yaml/.test(line));
    expect(secrets).toHaveLength(3);
    expect(secrets.filter((line) => !line.startsWith("-rw-------"))).toEqual([]);
  });

  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    for (const target of ["to.tar.gz", "to"]) {
      test(`into ${target} that ${signal} ends leaves nothing that looks like one`, async () => {
        await using folder = await temporaryFolder();
        const data = folder.at("data");
        {
          await using registry = await localRegistry({}, { data });
          await image({ layers: 10, size: 6_000_000 }).push(registry.url, "team/app", "1");
        }
        const begun = async (): Promise<boolean> => {
          const names = await readdir(folder.path);
          if (target === "to.tar.gz") return names.some((name) => name.startsWith("to.tar.gz"));
          const ours = await filesBelow(folder.at("to", "wharfinger"));
          return ours.includes("backup-unfinished");
        };
        const command = [process.execPath, MAIN, "backup", folder.at(target), "--data", data];
        const child = Bun.spawn(command, { stdout: "ignore", stderr: "ignore" });
        while (!(await begun()) && child.exitCode === null) await Bun.sleep(1);
        child.kill(signal);
        await child.exited;

        expect(child.exitCode).not.toBe(0);
        const left = (await readdir(folder.path)).filter((name) => name !== "data");
        if (target === "to") {
          const ran = await runRestore(folder.at("to"), "--data", folder.at("new"), "--yes");
          expect([ran.exit, ran.err.join()]).toEqual([1, expect.stringContaining("not finished")]);
        } else if (signal === "SIGTERM") expect(left).toEqual([]);
        else expect(left).toEqual([expect.stringMatching(/^to\.tar\.gz\.partial-[0-9a-f]{8}$/)]);
      });
    }
  }
});
