import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

const docs = join(import.meta.dir, "..", "..", "docs");

test("every proof that docs/durability.md names is there", async () => {
  const text = await Bun.file(join(docs, "durability.md")).text();
  const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = ""]) => path);
  expect(links.length).toBeGreaterThan(50);
  expect(links.filter((path) => !existsSync(join(docs, path)))).toEqual([]);
  const tests = [...new Bun.Glob("*.test.ts").scanSync({ cwd: import.meta.dir })];
  const named = tests.filter((name) => text.includes(`test/durability/${name}`));
  expect(tests.toSorted().filter((name) => !named.includes(name))).toEqual(["documented.test.ts"]);
});
