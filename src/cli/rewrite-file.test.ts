import { describe, expect, test } from "bun:test";
import {
  chmod,
  chown,
  readFile,
  readlink,
  readdir,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { failureOf } from "../../test/support/failure.ts";
import { temporaryFolder } from "../../test/support/folder.ts";
import { isRoot } from "../../test/support/peers.ts";
import { rewriteFile } from "./rewrite-file.ts";

const to = (text: string) => () => Buffer.from(text);

describe("a file that is rewritten", () => {
  test("has the new content, its mode, and nothing beside it", async () => {
    await using folder = await temporaryFolder();
    const path = folder.at("users");
    await writeFile(path, "old");
    await chmod(path, 0o640);
    await rewriteFile(path, (old) => Buffer.from(`${old?.toString()} and new`));
    expect(await readFile(path, "utf8")).toBe("old and new");
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect(await readdir(folder.path)).toEqual(["users"]);
  });

  test.skipIf(!isRoot())("keeps its owner; a new one gets that of its folder", async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.at("users"), "old");
    await chown(folder.at("users"), 1234, 2345);
    await rewriteFile(folder.at("users"), to("new"));
    expect(await stat(folder.at("users"))).toMatchObject({ uid: 1234, gid: 2345 });
    await chown(folder.path, 77, 78);
    await rewriteFile(folder.at("more"), to("new"));
    expect(await stat(folder.at("more"))).toMatchObject({ uid: 77, gid: 78 });
  });

  test("is the one that a link leads to, and the link stays", async () => {
    await using folder = await temporaryFolder();
    await folder.folder("real");
    await writeFile(folder.at("real", "users"), "old");
    await symlink("real/users", folder.at("users"));
    await rewriteFile(folder.at("users"), to("new"));
    expect(await readlink(folder.at("users"))).toBe("real/users");
    expect(await readFile(folder.at("real", "users"), "utf8")).toBe("new");
    await symlink("real/none", folder.at("dangling"));
    await rewriteFile(folder.at("dangling"), to("made"));
    expect(await readFile(folder.at("real", "none"), "utf8")).toBe("made");
  });

  test("that is not there is made, with its folder, for its owner's eyes only", async () => {
    await using folder = await temporaryFolder();
    let before: unknown = "not asked";
    await rewriteFile(folder.at("a", "b", "users"), (old) => {
      before = old;
      return Buffer.from("new");
    });
    expect(before).toBeNull();
    expect((await stat(folder.at("a", "b", "users"))).mode & 0o777).toBe(0o600);
  });

  test("stays as it is when the edit fails, or wants nothing", async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.at("users"), "old");
    const before = await stat(folder.at("users"));
    expect(
      rewriteFile(folder.at("users"), () => {
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    await rewriteFile(folder.at("users"), () => null);
    expect((await stat(folder.at("users"))).ino).toBe(before.ino);
    expect(await readdir(folder.path)).toEqual(["users"]);
  });
});

test("many at once lose nothing: they take turns", async () => {
  await using folder = await temporaryFolder();
  const all = Array.from({ length: 20 }, (_, at) => `line ${at}`);
  await Promise.all(
    all.map(async (line) => {
      await rewriteFile(folder.at("users"), async (old) => {
        await Bun.sleep(1);
        return Buffer.from(`${old?.toString() ?? ""}${line}\n`);
      });
    }),
  );
  const lines = (await readFile(folder.at("users"), "utf8")).trim().split("\n");
  expect(lines.toSorted()).toEqual(all.toSorted());
});

test("what a process left that was killed is in nobody's way for ever", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.at(".users.new"), "half");
  await utimes(folder.at(".users.new"), 1, 1);
  await rewriteFile(folder.at("users"), to("new"));
  expect(await readdir(folder.path)).toEqual(["users"]);
});

test("a file that cannot be written is said to be, with its path", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.at("file"), "");
  const error = await failureOf(rewriteFile(folder.at("file", "users"), to("new")));
  expect(error.kind).toBe("USERS_FILE");
  expect(error.message).toContain(folder.at("file", "users"));
});
