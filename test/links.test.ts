import { describe, expect, test } from "bun:test";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const documents = ["*.md", "docs/**/*.md"]
  .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(ROOT)])
  .toSorted();

/** A document without its code blocks, in which brackets mean something else. */
async function prose(path: string): Promise<string> {
  const text = await Bun.file(join(ROOT, path)).text();
  return text.replace(/^```.*?^```/gms, "");
}

/** Where links lead, without those to other hosts. */
function targets(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** What headings are called in links, as forges call them. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ +(.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

async function leads(from: string, target: string): Promise<boolean> {
  const [path = "", anchor] = target.split("#");
  const to = path === "" ? from : join(dirname(from), path);
  const there = await Bun.file(join(ROOT, to))
    .stat()
    .catch(() => null);
  if (!there || anchor === undefined) return there !== null;
  return anchors(await prose(to)).includes(anchor);
}

describe("a link in a document", () => {
  test.each(documents)("%s: leads somewhere", async (path) => {
    const links = targets(await prose(path));
    const dead = await Array.fromAsync(links, async (one) =>
      (await leads(path, one)) ? [] : [one],
    );

    expect(dead.flat()).toEqual([]);
  });

  test("goes from the README to every page of docs/", async () => {
    const linked = targets(await prose("README.md"));
    const pages = documents.filter((path) => /^docs\/[^/]+$/.test(path));

    expect(pages.filter((path) => !linked.includes(path))).toEqual([]);
  });
});

test("a document that the sources speak of is there", async () => {
  const folders = ["src", "test", "scripts", "bin", "deploy"];
  const files = folders.flatMap((folder) => [...new Bun.Glob(`${folder}/**/*`).scanSync(ROOT)]);
  const missing: string[] = [];
  for (const path of files.filter((one) => /\.(?:ts|mjs|ya?ml|sh|service)$/.test(one))) {
    const text = await Bun.file(join(ROOT, path)).text();
    for (const [document = ""] of text.matchAll(/(?<![\w/-])docs\/[\w/-]+\.(?:md|yaml|json)\b/g)) {
      if (document.startsWith("docs/content/")) continue;
      if (!(await Bun.file(join(ROOT, document)).exists())) missing.push(`${path}: ${document}`);
    }
  }

  expect(missing).toEqual([]);
});

test("decisions are numbered without gaps, and listed", async () => {
  const pages = documents.filter((path) => /^docs\/decisions\/\d/.test(path));
  const numbers = pages.map((path) => Number(path.slice("docs/decisions/".length).split("-")[0]));
  const listed = targets(await prose("docs/decisions/README.md"));

  expect(numbers).toEqual(pages.map((_, index) => index + 1));
  expect(listed.map((name) => `docs/decisions/${name}`)).toEqual(pages);
});
