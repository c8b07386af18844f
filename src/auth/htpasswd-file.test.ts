import { describe, expect, test } from "bun:test";
import {
  copyFile,
  mkdir,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { onLinux } from "../../test/support/linux.ts";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { HtpasswdFile } from "./htpasswd-file.ts";

const HASH = "$2y$05$abcdefghijklmnopqrstuuWHxnxkyNt6AHCwFMQaY6auyqJA8E98a";
const line = (name: string): string => `${name}:${HASH}\n`;

/** A file of users, with a clock that the test moves. */
async function given(content: string | null = line("ann")) {
  const folder: Folder = await temporaryFolder();
  const path = folder.at("htpasswd");
  if (content !== null) await writeFile(path, content);
  const warnings: string[] = [];
  const facts: Readonly<Record<string, unknown>>[] = [];
  const file = new HtpasswdFile(path, (about, message) => {
    warnings.push(message);
    facts.push(about);
  });
  let now = 0;
  return {
    folder,
    path,
    warnings,
    facts,
    file,
    pass: (milliseconds: number) => void (now += milliseconds),
    /** Who is a user when the next request comes, so much later. */
    async users(after = 300, sure = false) {
      now += after;
      return [...(await file.users(now, sure)).hashes.keys()];
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe("a change is seen within a second", () => {
  const ways: Readonly<Record<string, (path: string, folder: Folder) => Promise<void>>> = {
    "another file renamed over it": async (path, folder) => {
      await writeFile(folder.at("new"), line("bob"));
      await rename(folder.at("new"), path);
    },
    "rewritten in place": async (path) => await writeFile(path, line("bob")),
    "rewritten in place with the same length and an old time": async (path) => {
      await writeFile(path, line("bob"));
      await utimes(path, 1, 1);
    },
    "deleted and created": async (path) => {
      await rm(path);
      await writeFile(path, line("bob"));
    },
    "copied over": async (path, folder) => {
      await writeFile(folder.at("new"), line("bob"));
      await copyFile(folder.at("new"), path);
    },
  };
  for (const [how, change] of Object.entries(ways)) {
    test(how, async () => {
      await using it = await given();
      expect(await it.users()).toEqual(["ann"]);
      await change(it.path, it.folder);
      expect(await it.users()).toEqual(["bob"]);
      expect(it.warnings).toEqual([]);
    });
  }

  test("a link on the way that leads elsewhere, as Kubernetes changes a secret", async () => {
    await using it = await given(null);
    const { folder, path } = it;
    for (const name of ["ann", "bob"]) {
      await mkdir(folder.at(`..${name}`));
      await writeFile(folder.at(`..${name}`, "htpasswd"), line(name));
    }
    await symlink("..ann", folder.at("..data"));
    await symlink("..data/htpasswd", path);
    expect(await it.users()).toEqual(["ann"]);
    await symlink("..bob", folder.at("..next"));
    await rename(folder.at("..next"), folder.at("..data"));
    expect(await it.users()).toEqual(["bob"]);
  });

  test("many changes in the same instant, each of the same length", async () => {
    await using it = await given();
    for (const name of ["bob", "eve", "zoe", "ann", "bob", "eve"]) {
      await writeFile(it.path, line(name));
      expect(await it.users()).toEqual([name]);
    }
  });
});

test("between two looks nothing is read, and who must be sure looks at once", async () => {
  await using it = await given();
  expect(await it.users()).toEqual(["ann"]);
  await Bun.sleep(150);
  expect(await it.users()).toEqual(["ann"]);
  await writeFile(it.path, line("bob"));
  expect(it.file.users(600 + 10)).not.toBeInstanceOf(Promise);
  expect(await it.users(10)).toEqual(["ann"]);
  expect(await it.users(0, true)).toEqual(["bob"]);
});

test("a file that did not change is not read again", async () => {
  await using it = await given();
  await Bun.sleep(150);
  await it.users();
  it.pass(1000);
  expect(it.file.users(5000, true)).not.toBeInstanceOf(Promise);
});

describe("the users read before stay for a second, with a warning, when the file", () => {
  const troubles: Readonly<
    Record<string, { happens: (path: string) => Promise<void>; says: string; left: string[] }>
  > = {
    "is cut off in a line": {
      happens: async (path) => await writeFile(path, line("bob") + line("eve").slice(0, 30)),
      says: "ends in the middle",
      left: ["bob"],
    },
    "is empty": {
      happens: async (path) => await truncate(path),
      says: "it has no users",
      left: [],
    },
    "is gone": { happens: async (path) => await rm(path), says: "missing", left: [] },
  };
  for (const [what, { happens, says, left }] of Object.entries(troubles)) {
    test(what, async () => {
      await using it = await given();
      expect(await it.users()).toEqual(["ann"]);
      await happens(it.path);
      expect(await it.users()).toEqual(["ann"]);
      expect(await it.users()).toEqual(["ann"]);
      expect(await it.users(800)).toEqual(left);
      expect(it.warnings[0]).toContain(says);
      expect(it.warnings[0]).toContain("stay for a moment");
      expect(it.warnings[1]).toContain(says);
    });

    test(`${what}, unless that was a while ago and nobody asked meanwhile`, async () => {
      await using it = await given();
      await it.users();
      await happens(it.path);
      await Bun.sleep(1100);
      expect(await it.users()).toEqual(left);
    });

    test(`${what}, and is whole again before that`, async () => {
      await using it = await given();
      await it.users();
      await happens(it.path);
      expect(await it.users()).toEqual(["ann"]);
      await writeFile(it.path, line("bob") + line("eve"));
      expect(await it.users()).toEqual(["bob", "eve"]);
      // The next trouble has its own second.
      it.pass(10_000);
      await happens(it.path);
      expect(await it.users()).toEqual(["bob", "eve"]);
    });
  }
});

test("a file that is missing from the beginning is nobody, and taken when it comes", async () => {
  await using it = await given(null);
  expect(await it.users()).toEqual([]);
  expect(await it.users()).toEqual([]);
  expect(it.warnings).toEqual([expect.stringContaining("missing: nobody can log in") as string]);
  await writeFile(it.path, line("ann"));
  expect(await it.users()).toEqual(["ann"]);
});

test("a file that cannot be read keeps its users until it can", async () => {
  await using it = await given();
  await it.users();
  await rm(it.path);
  await mkdir(it.path);
  for (const after of [300, 300, 5000]) expect(await it.users(after)).toEqual(["ann"]);
  expect(it.warnings).toEqual([expect.stringContaining("EISDIR") as string]);
  await rm(it.path, { recursive: true });
  await writeFile(it.path, line("bob"));
  expect(await it.users()).toEqual(["bob"]);
});

test.skipIf(!onLinux)(
  "a change that could not be read for want of descriptors is read later",
  async () => {
    await using it = await given(line("ann") + line("bob"));
    const script = `
    import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
    const { HtpasswdFile } = await import(${JSON.stringify(join(import.meta.dir, "htpasswd-file.ts"))});
    const file = new HtpasswdFile(${JSON.stringify(it.path)}, (_, message) => console.log(message));
    const names = async (now) => console.log([...(await file.users(now)).hashes.keys()].join());
    await names(0);
    const written = openSync(${JSON.stringify(it.path)}, "r+");
    ftruncateSync(written, writeSync(written, ${JSON.stringify(line("ann"))}, 0));
    await Bun.sleep(200);
    const taken = [];
    try { for (;;) taken.push(openSync("/dev/null")); } catch {}
    await names(1000);
    for (const fd of taken) closeSync(fd);
    await names(2000);`;
    const limited = `ulimit -n 128 && exec "$0" -e "$1"`;
    const { stdout } = Bun.spawnSync(["sh", "-c", limited, process.execPath, script]);
    expect(stdout.toString().trim().split("\n")).toEqual([
      "ann,bob",
      expect.stringContaining("cannot be read (EMFILE)"),
      "ann,bob",
      "ann",
    ]);
  },
);

test("a file of 100 MB is not read into memory, and costs nobody his password", async () => {
  await using it = await given();
  await it.users();
  await truncate(it.path, 100 * 1024 * 1024);
  expect(await it.users()).toEqual(["ann"]);
  expect(await it.users(5000)).toEqual(["ann"]);
  expect(it.warnings).toEqual([expect.stringContaining("104857600 bytes") as string]);
});

test("lines that are no users are named by their numbers, and not by what they say", async () => {
  await using it = await given(`${line("ann")}bob:secret\n${line("eve")}`);
  expect(await it.users()).toEqual(["ann", "eve"]);
  expect(it.facts).toEqual([
    expect.objectContaining({
      lines: [{ line: 2, problem: expect.stringContaining("only bcrypt") as string }],
    }),
  ]);
  expect(JSON.stringify(it.facts)).not.toContain("secret");
});
