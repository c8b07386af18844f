import { describe, expect, test } from "bun:test";
import { chmod, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { relative } from "node:path";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { isRoot } from "../../test/support/peers.ts";
import { append, bytes, everything, failure, listed, textAt } from "./contract-support.ts";
import { type EmptyStorage, storageContract } from "./contract.ts";
import { filesystemStorage } from "./filesystem.ts";
import { isCode } from "./folders.ts";
import { uploadPath } from "./tree.ts";

const variants = [
  { name: "filesystem", options: {} },
  { name: "filesystem that blocks", options: { blocking: true } },
] as const;

for (const { name, options } of variants) {
  storageContract(name, async (): Promise<EmptyStorage> => {
    const folder = await temporaryFolder();
    return {
      storage: filesystemStorage(folder.path, options),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  });

  describe(`${name}: unreadable is not absent`, () => {
    test("a folder in the place of a small object is an error", async () => {
      await using folder = await temporaryFolder();
      await folder.folder("link");
      const storage = filesystemStorage(folder.path, options);
      expect(isCode(await failure(storage.readSmall("link")), "EISDIR")).toBe(true);
    });

    test("a link to a folder that it lies in is no folder: there would be no end to it", async () => {
      await using folder = await temporaryFolder();
      const [one, two] = [await folder.folder("one", "deep"), await folder.folder("two")];
      await symlink("../..", `${one}/up`);
      await symlink("/", `${one}/top`);
      await symlink(two, `${one}/aside`);
      await symlink(one, `${two}/back`);
      const storage = filesystemStorage(folder.path, options);
      const kinds = async (path: string): Promise<Record<string, string>> => {
        const entries = await Array.fromAsync(storage.list(path));
        return Object.fromEntries(entries.map(({ name: entry, kind }) => [entry, kind]));
      };
      expect(await kinds("one/deep")).toEqual({ up: "other", top: "other", aside: "folder" });
      expect(await kinds("one/deep/aside")).toEqual({ back: "other" });
      expect(await kinds("two")).toEqual({ back: "folder" });
    });

    test("links that lead in a circle are an error for every look", async () => {
      await using folder = await temporaryFolder();
      await symlink("round", folder.at("round"));
      const storage = filesystemStorage(folder.path, options);
      const looks = [
        () => storage.stat("round"),
        () => storage.read("round"),
        () => storage.readSmall("round/link"),
        () => listed(storage, "round"),
      ];
      for (const look of looks) expect(isCode(await failure(look()), "ELOOP")).toBe(true);
      expect(await listed(storage, "")).toEqual(["other round"]);
    });

    test.skipIf(isRoot())(
      `what may not be read is an error${isRoot() ? " (root may)" : ""}`,
      async () => {
        await using folder = await temporaryFolder();
        await writeFile(folder.at("file"), "x");
        await chmod(folder.at("file"), 0);
        await mkdir(folder.at("closed"), { mode: 0 });
        const storage = filesystemStorage(folder.path, options);
        const looks = [
          () => storage.readSmall("file"),
          () => storage.stat("closed/x"),
          () => storage.readSmall("closed/x"),
          () => listed(storage, "closed"),
        ];
        for (const look of looks) expect(isCode(await failure(look()), "EACCES")).toBe(true);
        await chmod(folder.at("closed"), 0o700);
      },
    );
  });

  test(`${name}: a symbolic link counts as what it leads to`, async () => {
    await using folder = await temporaryFolder();
    await folder.folder("real");
    await writeFile(folder.at("real", "x"), "x");
    await symlink("real", folder.at("to-folder"));
    await symlink("real/x", folder.at("to-object"));
    await symlink("nowhere", folder.at("to-nothing"));
    const storage = filesystemStorage(folder.path, options);
    expect(await listed(storage, "")).toEqual([
      "folder real",
      "folder to-folder",
      "object to-object",
      "other to-nothing",
    ]);
    expect(await textAt(storage, "to-folder/x")).toBe("x");
  });
}

test("filesystem: a folder may be named relative to where the process was started", async () => {
  await using folder = await temporaryFolder();
  const storage = filesystemStorage(relative(process.cwd(), folder.path));
  await storage.write([{ path: "a/b", bytes: bytes("x") }]);
  await append(storage, "c", 0, bytes("y"));
  await storage.move("c", "d/e/data");
  expect(await everything(filesystemStorage(folder.path))).toEqual({ "a/b": "x", "d/e/data": "y" });
});

test("filesystem: folders that another program tidies away come again when they are needed", async () => {
  await using folder = await temporaryFolder();
  const storage = filesystemStorage(folder.path);
  for (const text of ["first", "second"]) {
    await append(storage, "uploads/a", 0, bytes(text));
    await storage.move("uploads/a", "blobs/ab/abc/data");
    await storage.write([{ path: "links/a/link", bytes: bytes(text) }]);
    expect(await everything(storage)).toEqual({ "blobs/ab/abc/data": text, "links/a/link": text });
    for (const top of await readdir(folder.path)) await rm(folder.at(top), { recursive: true });
  }
});

test("filesystem: another process sees a small object whole, while it is replaced all the time", async () => {
  await using folder = await temporaryFolder();
  const writer = Bun.spawn([process.execPath, "-e", REPLACES, import.meta.dir, folder.path], {
    stdout: "pipe",
  });
  const storage = filesystemStorage(folder.path);
  const seen = new Set<string>();
  while (writer.exitCode === null) {
    const read = await storage.readSmall("a/link");
    if (read) seen.add(Buffer.from(read).toString());
  }
  expect([...seen].filter((text) => !/^(a{10}|b{20000})$/.test(text))).toEqual([]);
  expect(await writer.exited).toBe(0);
  expect(seen.size).toBe(2);
});

const REPLACES = `
  const [sources, folder] = process.argv.slice(1);
  const { filesystemStorage } = await import(sources + "/filesystem.ts");
  const storage = filesystemStorage(folder);
  const versions = ["a".repeat(10), "b".repeat(20000)].map((text) => Buffer.from(text));
  const end = performance.now() + 400;
  for (let i = 0; performance.now() < end; i++) {
    await storage.write([{ path: "a/link", bytes: versions[i % 2] }]);
  }
`;

/** A disk of 1 MiB, as long as the scope lasts; null where this process may not mount one. */
async function smallDisk(): Promise<Folder | null> {
  const folder = await temporaryFolder();
  const mount = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.path]);
  const unmount = async (): Promise<void> => {
    if (mount.success) Bun.spawnSync(["umount", "--lazy", folder.path]);
    await folder[Symbol.asyncDispose]();
  };
  if (mount.success) return { ...folder, [Symbol.asyncDispose]: unmount };
  await unmount();
  return null;
}

const mayMount = await (async () => {
  if (!isRoot() || Bun.which("mount") === null) return false;
  await using disk = await smallDisk();
  return disk !== null;
})();

describe.skipIf(!mayMount)(
  `filesystem: a full disk${mayMount ? "" : " (needs to mount one)"}`,
  () => {
    test("fails an upload with ENOSPC, and goes on when there is room again", async () => {
      await using disk = await smallDisk();
      if (!disk) throw new Error("the disk could not be mounted");
      const storage = filesystemStorage(disk.path);
      await storage.write([{ path: "kept", bytes: bytes("as it was") }]);
      const large = new Uint8Array(2 * 1024 * 1024).fill(1);

      const writer = await storage.append(uploadPath("large"), 0);
      await writer.write(large);
      expect(isCode(await failure(writer.sync()), "ENOSPC")).toBe(true);
      // It stays failed: a sync that succeeded now would not mean that the bytes are there.
      expect(isCode(await failure(writer.sync()), "ENOSPC")).toBe(true);
      expect(isCode(await failure(writer.close()), "ENOSPC")).toBe(true);
      expect(await textAt(storage, "kept")).toBe("as it was");

      await storage.delete(uploadPath("large"));
      await append(storage, uploadPath("small"), 0, bytes("fits"));
      expect(await textAt(storage, uploadPath("small"))).toBe("fits");
    });

    test("fails small objects with ENOSPC, replaces none by a part, and leaves no rest", async () => {
      await using disk = await smallDisk();
      if (!disk) throw new Error("the disk could not be mounted");
      const storage = filesystemStorage(disk.path);
      await storage.write([{ path: "a/manifest", bytes: bytes("as it was") }]);
      const large = new Uint8Array(2 * 1024 * 1024).fill(1);

      const failed = await failure(storage.write([{ path: "a/manifest", bytes: large }]));

      expect(isCode(failed, "ENOSPC")).toBe(true);
      expect(await everything(storage)).toEqual({ "a/manifest": "as it was" });
      await storage.write([{ path: "a/manifest", bytes: bytes("replaced") }]);
      expect(await everything(storage)).toEqual({ "a/manifest": "replaced" });
    });
  },
);
