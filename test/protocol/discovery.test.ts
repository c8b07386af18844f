import { beforeAll, describe, expect, test } from "bun:test";
import {
  digest,
  emptyConfig,
  manifestText,
  pushBytes,
  putManifest,
  unknownDigest,
} from "./support/content.ts";
import { freshName, sharedRegistry, startRegistry } from "./support/registry.ts";
import { pages } from "./support/pages.ts";
import { expectRefused } from "./support/refused.ts";

const registry = sharedRegistry();
const sizes = [1, 2, 7, 59, 60, 61, 1000, 2 ** 31 - 1, 1e18];
const counts: readonly [n: string, reason: RegExp][] = [
  ["-1", /"-1" is not a whole number/],
  ["", /"" is not a whole number/],
  ["1e3", /is not a whole number/],
  ["0x10", /is not a whole number/],
  ["1.5", /is not a whole number/],
  ["+1", /is not a whole number/],
  ["%201", /is not a whole number/],
  ["١", /is not a whole number/],
  ["NaN", /is not a whole number/],
  ["Infinity", /is not a whole number/],
  ["1&n=1", /n: it stands more than once/],
  ["9".repeat(5000), /n: it is longer/],
];

describe("the tags of a repository", () => {
  const name = "tags/many";
  // In ASCII order: digits, capitals, the underscore, small letters; "v10" before "v2".
  const tags = [
    "0",
    "10",
    "9",
    "A",
    "Z",
    "_",
    "_a",
    "a",
    "a-b",
    "a.b",
    "a_b",
    "latest",
    "v1",
    "v1.0",
    "v10",
    "v2",
    "x".repeat(128),
  ];
  for (let at = 0; tags.length < 60; at++) tags.push(`n${String(at).padStart(3, "0")}`);
  tags.sort((a, b) => (a < b ? -1 : 1));

  beforeAll(async () => {
    await pushBytes(registry.url, name, emptyConfig.bytes);
    const text = manifestText();
    const shuffled = tags.toSorted((a, b) => digest(a).localeCompare(digest(b)));
    await putManifest(
      registry.url,
      name,
      `${digest(text)}?${shuffled.map((tag) => `tag=${tag}`).join("&")}`,
      text,
    );
  });

  test("come sorted, whole and without a Link when no number is asked for", async () => {
    const answer = await registry.ask("GET", `/v2/${name}/tags/list`);
    expect([answer.status, answer.headers.get("content-type"), answer.headers.get("link")]).toEqual(
      [200, "application/json", null],
    );
    expect(answer.json()).toEqual({ name, tags });
  });

  for (const n of sizes) {
    test(`are the same in pages of ${n}`, async () => {
      const found = await pages(registry, `/v2/${name}/tags/list?n=${n}`, "tags");
      expect(found.flat()).toEqual(tags);
      expect(found).toHaveLength(Math.ceil(60 / n));
    });
  }

  test("are none, without a Link, for n=0, as if there were none", async () => {
    for (const query of ["?n=0", "?n=0&last=a", "?n=00"]) {
      const answer = await registry.ask("GET", `/v2/${name}/tags/list${query}`);
      expect([answer.json(), answer.headers.get("link")]).toEqual([{ name, tags: [] }, null]);
    }
  });

  const lasts: readonly [last: string, after: (tag: string) => boolean][] = [
    ["a", (tag) => tag > "a"],
    ["latest", (tag) => tag > "latest"],
    ["not-a-tag-of-ours", (tag) => tag > "not-a-tag-of-ours"],
    ["zzz", () => false],
    ["", () => true],
    ["../", (tag) => tag > "../"],
    ["%00", (tag) => tag > "\0"],
    ["%27%20OR%201=1--", () => true],
    ["%F0%9F%90%B3", () => false],
    [unknownDigest, (tag) => tag > unknownDigest],
  ];
  for (const [last, after] of lasts) {
    test(`go on after ${JSON.stringify(last.slice(0, 20))}`, async () => {
      const expected = tags.filter(after);
      expect((await pages(registry, `/v2/${name}/tags/list?last=${last}`, "tags")).flat()).toEqual(
        expected,
      );
      expect(
        (await pages(registry, `/v2/${name}/tags/list?last=${last}&n=7`, "tags")).flat(),
      ).toEqual(expected);
    });
  }

  for (const [n, reason] of counts) {
    test(`are refused for n=${n.slice(0, 20)}`, async () => {
      const send = () => registry.ask("GET", `/v2/${name}/tags/list?n=${n}`);
      await expectRefused(registry, send, { status: 400, code: "UNSUPPORTED", reason });
    });
  }

  test("are refused when last stands twice or is longer than any tag", async () => {
    for (const query of ["last=a&last=b", `last=${"a".repeat(9000)}`]) {
      const send = () => registry.ask("GET", `/v2/${name}/tags/list?${query}`);
      await expectRefused(registry, send, { status: 400, code: "UNSUPPORTED", reason: /last: it/ });
    }
  });

  test("are an empty list for a repository that has only blobs, or only untagged manifests", async () => {
    const bare = freshName("tags");
    await pushBytes(registry.url, bare, emptyConfig.bytes);
    expect((await registry.ask("GET", `/v2/${bare}/tags/list`)).json()).toEqual({
      name: bare,
      tags: [],
    });
    await putManifest(registry.url, bare, digest(manifestText()), manifestText());
    expect((await registry.ask("GET", `/v2/${bare}/tags/list`)).json()).toEqual({
      name: bare,
      tags: [],
    });
  });

  test("stay complete for a reader while tags come and go beside his", async () => {
    const busy = freshName("tags");
    await pushBytes(registry.url, busy, emptyConfig.bytes);
    const text = manifestText();
    const steady = Array.from({ length: 50 }, (_, at) => `s${String(at).padStart(2, "0")}`);
    await putManifest(
      registry.url,
      busy,
      `${digest(text)}?${steady.map((tag) => `tag=${tag}`).join("&")}`,
      text,
    );
    let writing = true;
    const writer = (async () => {
      for (let at = 0; writing; at++) {
        await putManifest(registry.url, busy, `s${String(at % 50).padStart(2, "0")}x`, text);
        await registry.ask("DELETE", `/v2/${busy}/manifests/s${String(at % 50).padStart(2, "0")}x`);
      }
    })();
    for (let round = 0; round < 5; round++) {
      const found = (await pages(registry, `/v2/${busy}/tags/list?n=3`, "tags")).flat();
      expect(found.filter((tag) => !tag.endsWith("x"))).toEqual(steady);
      expect(found).toEqual(found.toSorted());
    }
    writing = false;
    await writer;
  });
});

describe("the catalog", () => {
  test("lists all repositories, sorted, the same in pages of every size", async () => {
    await using own = await startRegistry();
    expect((await own.ask("GET", "/v2/_catalog")).json()).toEqual({ repositories: [] });
    const names = [
      "a",
      "a/b",
      "a-b",
      "a.b",
      "a0",
      "b",
      "z9",
      ...Array.from({ length: 53 }, (_, at) => `many/r${String(at).padStart(2, "0")}`),
    ].toSorted();
    for (const name of names) await pushBytes(own.url, name, emptyConfig.bytes);
    for (const n of [...sizes, null]) {
      const found = (
        await pages(own, `/v2/_catalog${n === null ? "" : `?n=${n}`}`, "repositories")
      ).flat();
      expect(found).toEqual(names);
    }
    expect((await own.ask("GET", "/v2/_catalog?last=many/r50")).json()).toEqual({
      repositories: ["many/r51", "many/r52", "z9"],
    });
    const none = await own.ask("GET", "/v2/_catalog?n=0");
    expect([none.json(), none.headers.get("link")]).toEqual([{ repositories: [] }, null]);
  });

  test("clamps the size of a page, however large it is asked for", async () => {
    for (const n of ["2147483647", "1000000000000000000", "9".repeat(1000)]) {
      expect((await registry.ask("GET", `/v2/_catalog?n=${n}`)).status).toBe(200);
    }
  });

  for (const [n, reason] of counts) {
    test(`is refused for n=${n.slice(0, 20)}`, async () => {
      await expectRefused(registry, () => registry.ask("GET", `/v2/_catalog?n=${n}`), {
        status: 400,
        code: "UNSUPPORTED",
        reason,
      });
    });
  }
});
