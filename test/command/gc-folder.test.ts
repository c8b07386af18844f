import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, mkdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gcCommand } from "../../src/cli/gc.ts";
import { parseDigest } from "../../src/oci/digest.ts";
import { parseName } from "../../src/oci/name.ts";
import { lockFolder } from "../../src/storage/lock.ts";
import { blobPath, layerLink, repositoryPath, revisionLink } from "../../src/storage/tree.ts";
import { age } from "../support/aged.ts";
import { expectClean } from "../support/clean.ts";
import { type Person, runCommand } from "../support/command.ts";
import { type Folder, filesBelow, temporaryFolder } from "../support/folder.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { newTreeIn } from "../support/stored-tree.ts";

setDefaultTimeout(60_000);

const main = join(import.meta.dir, "..", "..", "src", "main.ts");
const app = parseName("team/app");
const other = parseName("team/other");

interface Filled {
  readonly data: string;
  readonly live: Fixture;
  readonly dead: Fixture;
  /** The files of the tree when all garbage is gone. */
  readonly clean: readonly string[];
}

/** A tree of another registry, a month old: two live images, and an untagged one of which a layer is shared. */
async function filled(folder: Folder): Promise<Filled> {
  const data = folder.at("data");
  const tree = newTreeIn(data);
  const live = image({ layers: 2 });
  const dead = image({ layers: [...(live.blobs.slice(1, 2) as never[]), ...layers(2)] });
  await tree.put(app, live, "v1");
  await tree.put(other, index([image(), image()]), "multi");
  const clean = await filesBelow(data);
  await tree.put(app, dead);
  await age(data);
  return { data, live, dead, clean };
}

function layers(count: number): never[] {
  return image({ layers: count }).blobs.slice(1) as never[];
}

const gc = async (args: readonly string[], person?: Person) =>
  await runCommand(gcCommand, args, person);

async function treeOf(data: string): Promise<string[]> {
  const files = await filesBelow(data);
  return files.filter((path) => !path.startsWith("wharfinger/")).toSorted();
}

describe("wharf gc DIR", () => {
  test("shows what would go in a dry run, and writes nothing at all", async () => {
    await using folder = await temporaryFolder();
    const { data } = await filled(folder);
    const before = await filesBelow(data);

    const { exit, out, err } = await gc([data, "-n", "--yes"]);

    expect({ exit, err }).toEqual({ exit: 0, err: [] });
    expect(out.join("\n")).toMatch(/team\/app +1 +3 .* 1 untagged/);
    expect(out.at(-1)).toStartWith("1 manifest, 3 layer links, 4 blobs");
    expect(await filesBelow(data)).toEqual(before);
  });

  test("ends with one JSON document of exact counts", async () => {
    await using folder = await temporaryFolder();
    const { data, dead } = await filled(folder);
    const bytes = [dead.bytes, ...dead.blobs.filter((_, at) => at !== 1).map((one) => one.bytes)];
    const garbage = bytes.reduce((sum, { length }) => sum + length, 0);

    for (const flags of [["-n"], ["--yes"]]) {
      const { exit, out } = await gc([data, "--json", ...flags]);

      expect([exit, out.length]).toEqual([0, 1]);
      const document = JSON.parse(out[0] ?? "") as Record<string, unknown>;
      expect(document).toEqual({
        schemaVersion: 1,
        manifests: { live: 4, garbage: 1 },
        blobs: { live: 11, garbage: 4 },
        bytes: { live: expect.any(Number), garbage, trash: flags[0] === "-n" ? 0 : garbage },
        keptRepositories: [],
        seconds: expect.any(Number),
      });
    }
  });

  test("asks, and does nothing without a yes", async () => {
    await using folder = await temporaryFolder();
    const { data, clean } = await filled(folder);
    const before = await filesBelow(data);

    const alone = await gc([data]);
    const no = await gc([data], { answers: "n" });

    expect([alone.exit, no.exit]).toEqual([2, 2]);
    expect(alone.err.at(-1)).toContain(
      "nothing was removed; there is no terminal to ask, add --yes",
    );
    expect(no.asked.join()).toStartWith("Move 1 manifest and 4 blobs (");
    expect(await filesBelow(data)).toEqual(before);
    expect((await gc([data], { answers: "yes" })).exit).toBe(0);
    expect(await treeOf(data)).toEqual([...clean]);
  });

  test("moves to the trash, or frees at once, exactly what is garbage; a second run finds nothing", async () => {
    for (const flags of [[], ["--purge"]]) {
      await using folder = await temporaryFolder();
      const { data, clean } = await filled(folder);

      const { exit, err } = await gc([data, "--yes", ...flags]);

      expect(exit).toBe(0);
      expect(err.at(-1)).toMatch(
        /^(moved to the trash:|deleted) 1 manifest, 3 layer links, 4 blobs/,
      );
      expect(await treeOf(data)).toEqual([...clean]);
      expect((await gc([data, "--yes"])).err.at(-1)).toBe("nothing was removed");
      await rm(join(data, "wharfinger"), { recursive: true });
      await expectClean(data);
    }
  });

  test("keeps what is younger than the grace, and untagged manifests when it is told to", async () => {
    await using folder = await temporaryFolder();
    const { data } = await filled(folder);
    await newTreeIn(data).put(app, image());
    const before = await treeOf(data);

    expect((await gc([data, "--yes", "--keep-untagged"])).exit).toBe(0);
    expect((await gc([data, "--yes", "--grace", "60d"])).exit).toBe(0);

    expect(await treeOf(data)).toEqual(before);
    expect((await gc([data, "--yes"])).err.at(-1)).toContain("1 manifest,");
    expect((await gc([data, "--yes", "--grace", "0"])).err.at(-1)).toContain("1 manifest,");
    expect((await gc([data, "--grace", "soon"])).exit).toBe(2);
  });

  test("leaves a folder alone that is none of a registry, or that another process has open", async () => {
    await using folder = await temporaryFolder();
    const { data } = await filled(folder);
    await mkdir(join(data, "wharfinger"));
    const before = await treeOf(data);
    const lock = lockFolder(join(data, "wharfinger"));
    try {
      for (const args of [
        [data, "--yes"],
        [data, "--yes", "--purge"],
      ]) {
        expect((await gc(args)).exit).toBeOneOf([1, 5]);
      }
    } finally {
      lock.release();
    }
    expect(await treeOf(data)).toEqual(before);
    expect(await gc([folder.at("nowhere"), "--yes"])).toMatchObject({ exit: 1 });
  });

  test("removes what the other registry leaves: links, history, uploads, empty repositories", async () => {
    await using folder = await temporaryFolder();
    const { data, live, clean } = await filled(folder);
    const tree = newTreeIn(data);
    const gone = parseDigest(image().digest);
    const name = parseName("gone/far");
    await tree.write(layerLink(app, gone), gone);
    await tree.write(
      `${repositoryPath(app)}/_manifests/tags/v1/index/sha256/${gone.slice(7)}/link`,
      gone,
    );
    await tree.write(`${repositoryPath(app)}/_layers/sha256/${"1".repeat(64)}/link.1-a.tmp`, "sha");
    await tree.write(`${repositoryPath(app)}/_uploads/one/data`, "half");
    await tree.write(`${repositoryPath(name)}/_uploads/two/startedat`, "2024");
    await tree.write(layerLink(name, gone), gone);
    await mkdir(join(data, repositoryPath(parseName("gone/empty")), "_layers"), {
      recursive: true,
    });
    await mkdir(join(data, blobPath(gone), ".."), { recursive: true });
    await age(data);

    expect((await gc([data, "--yes"])).exit).toBe(0);

    expect(await treeOf(data)).toEqual([...clean]);
    const below = await stat(join(data, repositoryPath(parseName("gone")))).catch(() => null);
    expect(below).toBeNull();
    expect(live.digest).toBeString();
  });

  test("goes on in the other repositories when one cannot be read, and keeps that whole", async () => {
    const damages: Record<string, (data: string, dead: Fixture) => Promise<unknown>> = {
      "an empty layer link": (data, dead) =>
        writeFile(join(data, layerLink(app, parseDigest(dead.blobs[0]!.descriptor.digest))), ""),
      "a torn link of a manifest": (data, dead) =>
        writeFile(join(data, revisionLink(app, parseDigest(dead.digest))), "sha256:12"),
      "a tag that is empty": (data) =>
        writeFile(join(data, repositoryPath(app), "_manifests/tags/v1/current/link"), ""),
      "a missing manifest": (data, dead) => rm(join(data, blobPath(parseDigest(dead.digest)))),
      "a manifest that is cut off": (data, dead) =>
        writeFile(join(data, blobPath(parseDigest(dead.digest))), dead.bytes.slice(0, 50)),
      "a file in the place of a folder": async (data) => {
        await rm(join(data, repositoryPath(app), "_layers"), { recursive: true });
        await writeFile(join(data, repositoryPath(app), "_layers"), "");
      },
    };
    for (const [what, damage] of Object.entries(damages)) {
      await using folder = await temporaryFolder();
      const { data, dead } = await filled(folder);
      await newTreeIn(data).put(other, image());
      await damage(data, dead);
      await age(data);
      const before = (await treeOf(data)).filter((path) => path.includes("team/app"));

      const { exit, out, err } = await gc([data, "--yes", "--json"]);

      const { keptRepositories } = JSON.parse(out[0] ?? "") as { keptRepositories: unknown[] };
      expect({ what, exit, kept: keptRepositories.length }).toEqual({ what, exit: 0, kept: 1 });
      expect(err.join("\n")).toContain("Kept whole");
      expect((await treeOf(data)).filter((path) => path.includes("team/app"))).toEqual(before);
      expect(err.at(-1)).toContain("1 manifest, 2 layer links, 3 blobs");
    }
  });

  // Root may read everything.
  test.skipIf(process.getuid?.() === 0)(
    "frees no bytes when a folder may not be read that could need them",
    async () => {
      await using folder = await temporaryFolder();
      const { data } = await filled(folder);
      const closed = join(data, repositoryPath(other));
      await chmod(closed, 0);
      try {
        const { err } = await gc([data, "--yes"]);
        expect(err.join("\n")).toContain("No blob is removed");
      } finally {
        await chmod(closed, 0o755);
      }
    },
  );

  test("frees no bytes while a folder with the name of no repository holds one, and minds no other folder", async () => {
    await using folder = await temporaryFolder();
    const { data, clean } = await filled(folder);
    const tree = newTreeIn(data);
    const strange = (name: string) => `docker/registry/v2/repositories/${name}`;
    await tree.write(`${strange("@eaDir")}/a/thumb`, "x");
    await tree.write(`${strange("Team/App")}/_layers/sha256/link`, "x");
    await age(data);

    const first = await gc([data, "--yes"]);
    await rm(join(data, strange("Team")), { recursive: true });
    const second = await gc([data, "--yes"]);

    expect(first.err.join("\n")).toContain("No blob is removed");
    expect(first.err.at(-1)).toContain("1 manifest, 3 layer links, 0 blobs");
    expect(second.err.at(-1)).toContain("0 manifests, 0 layer links, 4 blobs");
    expect(await treeOf(data)).toEqual([...clean, `${strange("@eaDir")}/a/thumb`].toSorted());
  });

  test("says what could not be removed, leaves no word of it in the trash, and does it the next time", async () => {
    await using folder = await temporaryFolder();
    const { data, clean } = await filled(folder);
    // As when the trash were on another disk: nothing can be renamed into it.
    await mkdir(join(data, "wharfinger"));
    await symlink("/proc/sys", join(data, "wharfinger", "trash"));

    const first = await gc([data, "--yes"]);
    const before = await treeOf(data);
    await rm(join(data, "wharfinger", "trash"));
    const second = await gc([data, "--yes", "--json"]);

    expect(first.exit).toBe(3);
    expect(first.err.at(-1)).toContain("4 could not be removed");
    expect(before.length).toBe(clean.length + 4);
    expect(await treeOf(data)).toEqual([...clean]);
    const { bytes } = JSON.parse(second.out[0] ?? "") as {
      bytes: { garbage: number; trash: number };
    };
    expect(bytes.trash).toBe(bytes.garbage);
  });

  test("killed anywhere and begun again, it ends with the same tree, and what is live was always there", async () => {
    for (const flags of [[], ["--purge"]]) {
      await using folder = await temporaryFolder();
      const data = folder.at("data");
      const tree = newTreeIn(data);
      await tree.put(app, image({ layers: 3 }), "v1");
      await tree.put(other, index([image(), image()]), "multi");
      const clean = await filesBelow(data);
      for (let at = 0; at < 60; at++) await tree.put(at % 2 ? app : other, image({ layers: 3 }));
      await age(data);
      let ended = 0;
      for (let wait = 150; ended < 2; wait += 40) {
        const child = Bun.spawn([process.execPath, main, "gc", data, "--yes", ...flags], {
          stdio: ["ignore", "ignore", "pipe"],
        });
        const timer = setTimeout(() => child.kill("SIGKILL"), wait);
        const exit = await child.exited;
        clearTimeout(timer);
        if (child.signalCode === null) {
          ended++;
          expect({ exit, err: exit === 0 ? "" : await new Response(child.stderr).text() }).toEqual({
            exit: 0,
            err: "",
          });
        }
        const files = new Set(await treeOf(data));
        expect(clean.filter((path) => !files.has(path))).toEqual([]);
      }
      expect(await treeOf(data)).toEqual(clean);
    }
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "asked to stop (%s), it ends where it is safe, says so, and another run goes on",
    async (signal, code) => {
      // On a busy machine the signal may come when all is done.
      for (let exit = 0, left = 5; exit === 0; left--) {
        expect(left).toBeGreaterThan(0);
        await using folder = await temporaryFolder();
        const { data, clean } = await filled(folder);
        const child = Bun.spawn([process.execPath, main, "gc", data, "--yes"], {
          stdio: ["ignore", "ignore", "pipe"],
        });
        let err = "";
        for await (const chunk of child.stderr) {
          err += Buffer.from(chunk).toString();
          // The plan is there: it begins to remove.
          if (!err.includes("stopping") && err.includes("stay")) child.kill(signal);
        }
        exit = await child.exited;

        expect(child.signalCode).toBeNull();
        expect(err).toContain(`${signal}: stopping where it is safe`);
        const files = new Set(await treeOf(data));
        expect(clean.filter((path) => !files.has(path))).toEqual([]);
        if (exit === 0) continue;
        expect(exit).toBe(code);
        expect(err.trimEnd().split("\n").at(-1)).toStartWith("stopped before its end");
        expect((await gc([data, "--yes"])).exit).toBe(0);
        expect(await treeOf(data)).toEqual([...clean]);
      }
    },
  );
});
