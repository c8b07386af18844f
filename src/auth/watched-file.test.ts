import { expect, test } from "bun:test";
import { mkdir, rename, rm, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import { temporaryFolder } from "../../test/support/folder.ts";
import { WatchedFile } from "./watched-file.ts";

function parse(text: string | null): string {
  if (text?.includes("broken")) throw new Error("it is broken");
  return text ?? "none";
}

test("a change of any kind is seen: rewritten in place, renamed over, removed, returned", async () => {
  await using folder = await temporaryFolder();
  const path = folder.at("file");
  const file = new WatchedFile(path, parse, { every: 0 });
  expect(file.get()).toBe("none");

  await writeFile(path, "one");
  expect(file.get()).toBe("one");
  await writeFile(path, "two");
  expect(file.get()).toBe("two");
  await writeFile(folder.at("next"), "six");
  await rename(folder.at("next"), path);
  expect(file.get()).toBe("six");
  await rm(path);
  expect(file.get()).toBe("none");
  await writeFile(path, "back");
  expect(file.get()).toBe("back");
});

test("an exchanged symbolic link is seen, also one to the folder", async () => {
  await using folder = await temporaryFolder();
  for (const version of ["v1", "v2"]) {
    await mkdir(folder.at(version));
    await writeFile(`${folder.at(version)}/file`, version);
  }
  await symlink("v1", folder.at("..data"));
  await symlink("..data/file", folder.at("file"));
  const file = new WatchedFile(folder.at("file"), parse, { every: 0 });
  expect(file.get()).toBe("v1");

  await symlink("v2", folder.at("next"));
  await rename(folder.at("next"), folder.at("..data"));

  expect(file.get()).toBe("v2");
});

test("two writes of the same length within one tick of the clock are both seen", async () => {
  await using folder = await temporaryFolder();
  const path = folder.at("file");
  const file = new WatchedFile(path, parse, { every: 0 });
  const same = new Date();
  for (let n = 100; n < 200; n++) {
    await writeFile(path, String(n));
    await utimes(path, same, same);
    expect(file.get()).toBe(String(n));
  }
});

test("what has become broken changes nothing, and is told once", async () => {
  await using folder = await temporaryFolder();
  const path = folder.at("file");
  await writeFile(path, "good");
  const troubles: unknown[] = [];
  const file = new WatchedFile(path, parse, { every: 0, onTrouble: (e) => troubles.push(e) });

  await writeFile(path, "broken");
  expect([file.get(), file.get(), file.get()]).toEqual(["good", "good", "good"]);
  expect(troubles).toHaveLength(1);

  await unlink(path);
  await mkdir(path);
  expect([file.get(), file.get()]).toEqual(["good", "good"]);
  expect(troubles).toHaveLength(2);

  await rm(path, { recursive: true });
  await writeFile(path, "better");
  expect(file.get()).toBe("better");
});

test("what is broken at the start is an error", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.at("file"), "broken");
  expect(() => new WatchedFile(folder.at("file"), parse)).toThrow("it is broken");
});

test("between two looks nothing is read", async () => {
  await using folder = await temporaryFolder();
  const path = folder.at("file");
  await writeFile(path, "one");
  let now = 0;
  const file = new WatchedFile(path, parse, { every: 500, monotonic: () => now });
  await writeFile(path, "two");
  now = 499;
  expect(file.get()).toBe("one");
  now = 500;
  expect(file.get()).toBe("two");
});
