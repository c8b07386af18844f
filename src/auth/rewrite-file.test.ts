import { describe, expect, test } from "bun:test";
import {
  chmod,
  chown,
  readFile,
  readlink,
  readdir,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { failureOf } from "../../test/support/failure.ts";
import { temporaryFolder } from "../../test/support/folder.ts";
import { isRoot, mayMount } from "../../test/support/peers.ts";
import { type Edit, makeFolder, rewriteFile } from "./rewrite-file.ts";

const to = (text: string) => (): string => text;

const rewrite = async (path: string, edit: Edit): Promise<void> =>
  await rewriteFile(path, "USERS_FILE", edit);

describe("a file that is rewritten", () => {
  test("has the new content and its mode, and beside it stands an empty lock alone", async () => {
    await using folder = await temporaryFolder();
    const path = folder.at("users");
    await writeFile(path, "old");
    await chmod(path, 0o640);
    await rewrite(path, (old) => Buffer.from(`${old?.toString()} and new`));
    expect(await readFile(path, "utf8")).toBe("old and new");
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect((await readdir(folder.path)).toSorted()).toEqual(["users", "users.lock"]);
    expect(await stat(folder.at("users.lock"))).toMatchObject({ size: 0 });
  });

  test.skipIf(!isRoot())(
    "keeps its owner; a new one, its lock and its folders get that of the folder above",
    async () => {
      await using folder = await temporaryFolder();
      await writeFile(folder.at("users"), "old");
      await chown(folder.at("users"), 1234, 2345);
      await rewrite(folder.at("users"), to("new"));
      expect(await stat(folder.at("users"))).toMatchObject({ uid: 1234, gid: 2345 });
      await chown(folder.path, 77, 78);
      await rewrite(folder.at("a", "b", "more"), to("new"));
      for (const made of ["a", "a/b", "a/b/more", "a/b/more.lock"]) {
        expect(await stat(folder.at(made))).toMatchObject({ uid: 77, gid: 78 });
      }
    },
  );

  test.skipIf(!isRoot())(
    "gives nobody what somebody has put in the place of its lock or its draft",
    async () => {
      await using folder = await temporaryFolder();
      const home = await folder.folder("home");
      await writeFile(folder.at("secret"), "of root");
      await chown(home, 1234, 1234);
      await symlink(folder.at("secret"), folder.at("home", "users.lock"));
      const failure = await failureOf(rewrite(folder.at("home", "users"), to("new")));
      expect(failure.kind).toBe("USERS_FILE");
      await symlink(folder.at("secret"), folder.at("home", ".more.new"));
      await rewrite(folder.at("home", "more"), to("new"));
      expect(await stat(folder.at("secret"))).toMatchObject({ uid: 0, gid: 0 });
      expect(await readFile(folder.at("secret"), "utf8")).toBe("of root");
    },
  );

  test("is the one that a link leads to, and the link stays", async () => {
    await using folder = await temporaryFolder();
    await folder.folder("real");
    await writeFile(folder.at("real", "users"), "old");
    await symlink("real/users", folder.at("users"));
    await rewrite(folder.at("users"), to("new"));
    expect(await readlink(folder.at("users"))).toBe("real/users");
    expect(await readFile(folder.at("real", "users"), "utf8")).toBe("new");
    await symlink("real/none", folder.at("dangling"));
    await rewrite(folder.at("dangling"), to("made"));
    expect(await readFile(folder.at("real", "none"), "utf8")).toBe("made");
    await symlink("real", folder.at("alias"));
    await rewrite(folder.at("alias", "new", "users"), to("below a link"));
    expect(await readFile(folder.at("real", "new", "users"), "utf8")).toBe("below a link");
  });

  test("that is not there is made, with its folder, for its owner's eyes only", async () => {
    await using folder = await temporaryFolder();
    let before: unknown = "not asked";
    await rewrite(folder.at("a", "b", "users"), (old) => {
      before = old;
      return "new";
    });
    expect(before).toBeNull();
    for (const made of ["users", "users.lock"]) {
      expect((await stat(folder.at("a", "b", made))).mode & 0o777).toBe(0o600);
    }
  });

  test("stays as it is when the edit fails, or wants nothing", async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.at("users"), "old");
    const before = await stat(folder.at("users"));
    const failing = rewrite(folder.at("users"), () => {
      throw Object.assign(new Error("no"), { code: "E" });
    });
    expect((await failureOf(failing)).message).toContain("no");
    await rewrite(folder.at("users"), () => null);
    expect((await stat(folder.at("users"))).ino).toBe(before.ino);
    expect((await readdir(folder.path)).toSorted()).toEqual(["users", "users.lock"]);
  });
});

test.skipIf(!mayMount())("a file that is mounted by itself is written in place", async () => {
  await using folder = await temporaryFolder();
  const [path, outside] = [folder.at("users"), folder.at("outside")];
  await writeFile(path, "");
  await writeFile(outside, "longer than the new one");
  const script = `import { rewriteFile } from ${JSON.stringify(`${import.meta.dir}/rewrite-file.ts`)};
    await rewriteFile(${JSON.stringify(path)}, "USERS_FILE", (old) => old.subarray(0, 6));`;
  const inside = `mount --bind "$1" "$2" && exec "$3" -e "$4"`;
  const args = ["sh", "-c", inside, "sh", outside, path, process.execPath, script];
  const user = Bun.spawnSync(["unshare", "--mount", "true"]).success
    ? []
    : ["--user", "--map-root-user"];
  const { exitCode } = Bun.spawnSync(["unshare", ...user, "--mount", ...args]);
  expect([exitCode, await readFile(outside, "utf8")]).toEqual([0, "longer"]);
  expect((await readdir(folder.path)).toSorted()).toEqual(["outside", "users", "users.lock"]);
});

describe("writers", () => {
  test("many at once in one process lose nothing: they take turns", async () => {
    await using folder = await temporaryFolder();
    const all = Array.from({ length: 20 }, (_, at) => `line ${at}`);
    await Promise.all(
      all.map(async (line) => {
        await rewrite(folder.at("users"), async (old) => {
          await Bun.sleep(1);
          return `${old?.toString() ?? ""}${line}\n`;
        });
      }),
    );
    const lines = (await readFile(folder.at("users"), "utf8")).trim().split("\n");
    expect(lines.toSorted()).toEqual(all.toSorted());
  });

  test("in several processes lose nothing of each other", async () => {
    await using folder = await temporaryFolder();
    const path = folder.at("count");
    const script = `import { rewriteFile } from ${JSON.stringify(`${import.meta.dir}/rewrite-file.ts`)};
      for (let i = 0; i < 25; i++) {
        await rewriteFile(${JSON.stringify(path)}, "DATA_FOLDER", (text) => String(Number(text) + 1));
      }`;
    const writers = Array.from({ length: 4 }, () => Bun.spawn([process.execPath, "-e", script]));
    expect(await Promise.all(writers.map(({ exited }) => exited))).toEqual([0, 0, 0, 0]);
    expect(await readFile(path, "utf8")).toBe("100");
  });

  test("that were killed in the middle are in nobody's way", async () => {
    await using folder = await temporaryFolder();
    const path = folder.at("users");
    const script = `import { rewriteFile } from ${JSON.stringify(`${import.meta.dir}/rewrite-file.ts`)};
      await rewriteFile(${JSON.stringify(path)}, "USERS_FILE", () => {
        console.log("in");
        return new Promise((resolve) => setTimeout(() => resolve("late"), 60_000));
      });`;
    const holder = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    await holder.stdout.getReader().read();
    await writeFile(folder.at(".users.new"), "half");
    let done = false;
    const next = rewrite(path, to("next")).then(() => (done = true));
    await Bun.sleep(100);
    expect(done).toBe(false);
    holder.kill("SIGKILL");
    await next;
    expect(await readFile(path, "utf8")).toBe("next");
    expect((await readdir(folder.path)).toSorted()).toEqual(["users", "users.lock"]);
  });
});

describe("a file that cannot be written", () => {
  test("is said to be, with its path, as of the kind that it is", async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.at("file"), "");
    for (const kind of ["USERS_FILE", "DATA_FOLDER"] as const) {
      const error = await failureOf(rewriteFile(folder.at("file", "users"), kind, to("new")));
      expect(error.kind).toBe(kind);
      expect(error.message).toContain(folder.at("file", "users"));
    }
  });
});

test("a folder that is there is left as it is", async () => {
  await using folder = await temporaryFolder();
  await chmod(await folder.folder("a"), 0o750);
  await makeFolder(folder.at("a"));
  expect((await stat(folder.at("a"))).mode & 0o777).toBe(0o750);
});
