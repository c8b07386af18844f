import { expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { temporaryFolder } from "../../test/support/folder.ts";
import { failureOf } from "../../test/support/failure.ts";
import { replaceFile } from "./replace-file.ts";

test("a file is made and changed, for its owner's eyes only, and nothing is left beside it", async () => {
  await using folder = await temporaryFolder();
  const path = folder.at("file.json");
  replaceFile(path, (text) => `${text}1`);
  replaceFile(path, (text) => `${text}2`);
  expect(readFileSync(path, "utf8")).toBe("null12");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect((await readdir(folder.path)).toSorted()).toEqual(["file.json", "file.json.lock"]);
});

test("a change that fails, or changes nothing, leaves the file as it was", async () => {
  await using folder = await temporaryFolder();
  const path = folder.at("file");
  await writeFile(path, "before");
  expect(() =>
    replaceFile(path, () => {
      throw new Error("no");
    }),
  ).toThrow("no");
  replaceFile(path, () => null);
  expect(readFileSync(path, "utf8")).toBe("before");
});

test("writers in several processes lose nothing of each other", async () => {
  await using folder = await temporaryFolder();
  const path = folder.at("count");
  const script = `import { replaceFile } from ${JSON.stringify(`${import.meta.dir}/replace-file.ts`)};
    for (let i = 0; i < 25; i++) replaceFile(${JSON.stringify(path)}, (text) => String(Number(text) + 1));`;
  const writers = Array.from({ length: 4 }, () => Bun.spawn([process.execPath, "-e", script]));
  expect(await Promise.all(writers.map(({ exited }) => exited))).toEqual([0, 0, 0, 0]);
  expect(readFileSync(path, "utf8")).toBe("100");
});

test("a folder that is not there is an error that names the file", async () => {
  await using folder = await temporaryFolder();
  const path = folder.at("none/file");
  const failure = await failureOf(Promise.try(() => replaceFile(path, () => "x")));
  expect(failure.kind).toBe("DATA_FOLDER");
  expect(failure.message).toContain(path);
});
