import { expect, test } from "bun:test";
import { mkdir, realpath, rm } from "node:fs/promises";
import { temporaryFolder } from "../../test/support/folder.ts";
import { group } from "../../test/support/group.ts";
import { clientPath } from "../../test/support/peers.ts";
import { run } from "../../test/support/run.ts";
import { failure } from "./contract-support.ts";
import { Folders, isCode } from "./folders.ts";

/** One system call: at which lines of the trace it began and ended, and what it was about. */
interface Call {
  readonly name: string;
  readonly text: string;
  readonly began: number;
  readonly ended: number;
}

/** Runs a piece of a program on an empty storage, and returns its calls that write, in their order. */
async function trace(program: string): Promise<{ calls: readonly Call[]; root: string }> {
  await using folder = await temporaryFolder();
  // strace names files by their real path.
  const root = await realpath(await folder.folder("data"));
  const output = folder.at("trace");
  const watched =
    "fsync,fdatasync,syncfs,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,write";
  const script = `
    const { filesystemStorage } = await import(${JSON.stringify(`${import.meta.dir}/filesystem.ts`)});
    const storage = filesystemStorage(${JSON.stringify(root)});
    const bytes = Buffer.from("bytes");
    const { writeSync } = require("node:fs");
    ${program}
    writeSync(1, "resolved");
  `;
  const strace = [clientPath("strace"), "-f", "-y", "-s", "300", "-e", `trace=${watched}`];
  await run([...strace, "-o", output, process.execPath, "-e", script]);
  return { calls: parse(await Bun.file(output).text()), root };
}

/** A call of one thread that another's interrupts is written in two parts. */
function parse(text: string): Call[] {
  const calls: Call[] = [];
  const open = new Map<string, Call>();
  for (const [at, line] of text.split("\n").entries()) {
    const { pid = "", rest = "" } = /^(?<pid>\d+) +(?<rest>.*)$/.exec(line)?.groups ?? {};
    const resumed = /^<\.\.\. \w+ resumed>/.test(rest);
    const begun = open.get(pid);
    if (resumed && begun) {
      calls.push({ ...begun, ended: at });
      open.delete(pid);
    }
    const name = /^(?<name>\w+)\(/.exec(rest)?.groups?.["name"];
    if (name === undefined) continue;
    const call = { name, text: rest, began: at, ended: at };
    if (rest.endsWith("<unfinished ...>")) open.set(pid, call);
    else calls.push(call);
  }
  return calls.toSorted((a, b) => a.began - b.began);
}

/** The first such call; fails the test when there is none. */
function find(calls: readonly Call[], name: RegExp, part: string, after = -1): Call {
  const found = calls.find(
    (call) => name.test(call.name) && call.text.includes(part) && call.began > after,
  );
  if (found) return found;
  const list = calls.map(({ text }) => text).join("\n");
  throw new Error(`no ${String(name)} with ${part} after line ${after} in\n${list}`);
}

const resolved = (calls: readonly Call[]): Call => find(calls, /^write$/, "resolved");

group("what is on stable storage, and when, by the system calls", ["strace"], () => {
  test("a blob's bytes before its name, and its name before the move resolves", async () => {
    const { calls, root } = await trace(`
      const writer = await storage.append("uploads/u", 0);
      await writer.write(bytes);
      await writer.sync();
      await writer.close();
      await storage.move("uploads/u", "blobs/sha256/ab/abcd/data");
    `);
    const renamed = find(calls, /^rename/, "abcd/data");
    const end = resolved(calls);
    expect(find(calls, /^f(data)?sync$/, `<${root}/uploads/u>`).ended).toBeLessThan(renamed.began);
    for (const folder of ["blobs/sha256/ab/abcd", "blobs/sha256/ab"]) {
      const synced = find(calls, /^fsync$/, `<${root}/${folder}>`, renamed.ended);
      expect(synced.ended).toBeLessThan(end.began);
    }
  });

  test("every new folder on the way to a blob, each in the one above, before the move resolves", async () => {
    const { calls, root } = await trace(`
      const writer = await storage.append("uploads/u", 0);
      await writer.close();
      await storage.move("uploads/u", "blobs/sha256/ab/abcd/data");
    `);
    const end = resolved(calls);
    for (const folder of ["blobs", "blobs/sha256", "blobs/sha256/ab", "blobs/sha256/ab/abcd"]) {
      const made = find(calls, /^mkdir/, `"${root}/${folder}"`);
      const above = `${root}/${folder}`.slice(0, -folder.length + folder.lastIndexOf("/"));
      const parent = above.endsWith("/") ? root : above;
      const synced = find(calls, /^fsync$/, `<${parent}>`, made.ended);
      expect(synced.ended).toBeLessThan(end.began);
    }
  });

  test("the folders that are shared are synced once, not for every blob", async () => {
    const { calls, root } = await trace(`
      for (const hex of ["ab1", "ab2", "ab3"]) {
        const writer = await storage.append("uploads/" + hex, 0);
        await writer.close();
        await storage.move("uploads/" + hex, "blobs/sha256/ab/" + hex + "/data");
      }
    `);
    const syncs = (path: string): number =>
      calls.filter(({ name, text }) => name === "fsync" && text.includes(`<${path}>`)).length;
    expect(syncs(`${root}/blobs`)).toBe(1);
    expect(syncs(`${root}/blobs/sha256`)).toBe(1);
    expect(syncs(`${root}/blobs/sha256/ab`)).toBe(3);
  });

  test("links with one sync for all of them, after the last and before the write resolves", async () => {
    const { calls } = await trace(`
      await storage.write([
        { path: "a/one/link", bytes },
        { path: "a/two/link", bytes },
      ]);
    `);
    const end = resolved(calls);
    const renamed = ["one/link", "two/link"].map((path) => find(calls, /^rename/, path));
    const last = Math.max(...renamed.map(({ ended }) => ended));
    expect(find(calls, /^(syncfs|fsync)$/, "", last).ended).toBeLessThan(end.began);
    for (const { text } of renamed) expect(text).toContain(".wharfinger-");
  });

  test("removals with the next write, also when it writes nothing", async () => {
    const { calls } = await trace(`
      await storage.write([{ path: "a/one/link", bytes }]);
      await storage.delete("a/one");
      await storage.write([]);
    `);
    const removed = find(calls, /^unlink/, `"link"`);
    const synced = find(calls, /^(syncfs|fsync)$/, "", removed.ended);
    expect(synced.ended).toBeLessThan(resolved(calls).began);
  });
});

test("a folder is durable only when those above it are, also for who finds it there", async () => {
  await using folder = await temporaryFolder();
  const folders = new Folders(folder.path);
  await Promise.all([
    folders.ensure(folder.at("a", "b", "c")),
    folders.ensure(folder.at("a", "b")),
    folders.ensure(folder.at("a", "b", "d")),
  ]);
  await mkdir(folder.at("a", "b", "c", "e"));
});

test("a folder that could not be made is tried again by the next", async () => {
  await using folder = await temporaryFolder();
  const folders = new Folders(folder.at("later", "root"));
  const failed = await failure(folders.ensure(folder.at("later", "root", "a")));
  expect(isCode(failed, "ENOENT")).toBe(true);
  await folder.folder("later");
  await folders.ensure(folder.at("later", "root", "a"));
  await mkdir(folder.at("later", "root", "a", "b"));
});

test("work in a folder that another program removed is done again, once the folder is back", async () => {
  await using folder = await temporaryFolder();
  const folders = new Folders(folder.path);
  const path = folder.at("a", "b");
  await folders.ensure(path);
  await rm(folder.at("a"), { recursive: true });
  let tries = 0;
  await folders.within(path, async () => {
    tries++;
    await mkdir(`${path}/c`);
  });
  expect(tries).toBe(2);
});

test("other failures of the work are not repeated", async () => {
  await using folder = await temporaryFolder();
  const folders = new Folders(folder.path);
  let tries = 0;
  const work = folders.within(folder.path, async () => {
    tries++;
    throw Object.assign(new Error("the disk is broken"), { code: "EIO" });
  });
  expect(isCode(await failure(work), "EIO")).toBe(true);
  expect(tries).toBe(1);
});
