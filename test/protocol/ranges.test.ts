import { beforeAll, describe, expect, test } from "bun:test";
import { digest, emptyDigest, fresh, pushBytes, unknownDigest } from "./support/content.ts";
import { expectRefusal } from "./support/refused.ts";
import { sharedRegistry } from "./support/registry.ts";

const registry = sharedRegistry();
const { bytes, descriptor } = fresh(1000);
const path = `/v2/ranges/blobs/${descriptor.digest}`;
const asked = (range: string, more: Record<string, string> = {}) =>
  registry.ask("GET", path, { headers: { range, ...more } });

beforeAll(async () => {
  await pushBytes(registry.url, "ranges", bytes);
  await pushBytes(registry.url, "ranges", new Uint8Array());
});

describe("one range of a blob", () => {
  const ranges: readonly [range: string, first: number, last: number][] = [
    ["bytes=0-0", 0, 0],
    ["bytes=0-499", 0, 499],
    ["bytes=500-", 500, 999],
    ["bytes=999-", 999, 999],
    ["bytes=100-100", 100, 100],
    ["bytes=-1", 999, 999],
    ["bytes=-400", 600, 999],
    ["bytes=-1000", 0, 999],
    ["bytes=-5000", 0, 999],
    ["bytes=0-999", 0, 999],
    ["bytes=900-1000", 900, 999],
    ["bytes=0-9007199254740992", 0, 999],
    ["bytes=10-99999999999999999999999999", 10, 999],
    ["bytes=000000000000000000000-0000000001", 0, 1],
  ];
  for (const [range, first, last] of ranges) {
    test(`${range} is bytes ${first} to ${last}`, async () => {
      const got = await asked(range);
      expect(got.status).toBe(206);
      expect(got.headers.get("content-range")).toBe(`bytes ${first}-${last}/1000`);
      expect(got.headers.get("content-length")).toBe(String(last - first + 1));
      expect(got.headers.get("docker-content-digest")).toBe(descriptor.digest);
      expect(got.headers.get("content-disposition")).toStartWith("attachment");
      expect(got.bytes).toEqual(bytes.slice(first, last + 1));
    });
  }

  test("of a large blob is right at its very end and across the sizes of buffers", async () => {
    const large = fresh(5_000_001);
    await pushBytes(registry.url, "ranges", large.bytes);
    for (const [first, last] of [
      [4_999_999, 5_000_000],
      [65_535, 65_537],
      [1, 4_999_999],
      [2_097_151, 4_194_305],
    ] as const) {
      const got = await registry.ask("GET", `/v2/ranges/blobs/${large.descriptor.digest}`, {
        headers: { range: `bytes=${first}-${last}` },
      });
      expect([got.status, got.headers.get("content-range")]).toEqual([
        206,
        `bytes ${first}-${last}/5000001`,
      ]);
      expect(digest(got.bytes)).toBe(digest(large.bytes.subarray(first, last + 1)));
    }
  });

  test("resumes a download that broke off: the parts are the blob", async () => {
    const parts = [
      await asked("bytes=0-332"),
      await asked("bytes=333-"),
      await asked("bytes=1000-"),
    ];
    expect(parts.map(({ status }) => status)).toEqual([206, 206, 416]);
    expect(digest(Buffer.concat(parts.slice(0, 2).map((part) => part.bytes)))).toBe(
      descriptor.digest,
    );
  });
});

describe("a range outside of a blob", () => {
  for (const range of [
    "bytes=1000-",
    "bytes=1000-1001",
    "bytes=-0",
    "bytes=5-2",
    "bytes=99999999999999999999-",
  ]) {
    test(`${range} is a 416 that names the size`, async () => {
      const got = await asked(range);
      expectRefusal(got, { status: 416, code: "SIZE_INVALID", reason: /1000 bytes/ });
      expect(got.headers.get("content-range")).toBe("bytes */1000");
    });
  }
  for (const range of ["bytes=0-", "bytes=0-0", "bytes=-5", "bytes=-0"]) {
    test(`${range} of the empty blob is a 416`, async () => {
      const got = await registry.ask("GET", `/v2/ranges/blobs/${emptyDigest}`, {
        headers: { range },
      });
      expectRefusal(got, { status: 416, code: "SIZE_INVALID" });
      expect(got.headers.get("content-range")).toBe("bytes */0");
    });
  }
});

describe("the whole blob comes with 200", () => {
  const many = Array.from({ length: 1000 }, (_, at) => `${at}-${at}`).join(",");
  const ignored: readonly [why: string, range: string][] = [
    ["for two ranges", "bytes=0-0,2-3"],
    ["for overlapping ranges", "bytes=0-500,100-900"],
    ["for a thousand ranges", `bytes=${many}`],
    ["for another unit", "items=0-1"],
    ["for no numbers", "bytes=a-b"],
    ["for no range", "bytes="],
    ["for a lone dash", "bytes=-"],
    ["for a negative range", "bytes=--1"],
    ["for hex digits", "bytes=0x1-0x2"],
    ["for no unit", "0-1"],
    ["for a fraction", "bytes=0.5-1"],
    ["for a dangling comma", "bytes=0-1,"],
    ["for sixteen kilobytes of digits", `bytes=${"9".repeat(10_000)}-x`],
  ];
  for (const [why, range] of ignored) {
    test(why, async () => {
      const got = await asked(range);
      expect([
        got.status,
        got.headers.get("content-range"),
        got.headers.get("content-length"),
      ]).toEqual([200, null, "1000"]);
      expect(got.bytes).toEqual(bytes);
    });
  }

  test("to HEAD, whatever range it asks for", async () => {
    for (const range of ["bytes=0-1", "bytes=1000-", "bytes=0-0,1-1"]) {
      const head = await registry.ask("HEAD", path, { headers: { range } });
      expect([head.status, head.headers.get("content-length"), head.bytes.length]).toEqual([
        200,
        "1000",
        0,
      ]);
    }
  });
});

describe("If-Range", () => {
  const conditions: readonly [condition: string, value: string, status: number][] = [
    ["the entity tag", `"${descriptor.digest}"`, 206],
    ["another entity tag", `"${unknownDigest}"`, 200],
    ["the weak form of it", `W/"${descriptor.digest}"`, 200],
    ["the digest without quotes", descriptor.digest, 200],
    ["a date", "Sat, 21 Nov 2026 12:00:00 GMT", 200],
  ];
  for (const [condition, value, status] of conditions) {
    test(`with ${condition} brings ${status === 206 ? "the range" : "the whole blob"}`, async () => {
      const got = await asked("bytes=10-19", { "if-range": value });
      expect(got.status).toBe(status);
      expect(got.bytes).toEqual(status === 206 ? bytes.slice(10, 20) : bytes);
    });
  }

  test("that does not match makes of a range outside of the blob the whole blob", async () => {
    const got = await asked("bytes=5000-", { "if-range": '"other"' });
    expect([got.status, got.bytes.length]).toEqual([200, 1000]);
  });
});
