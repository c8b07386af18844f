import { describe, expect, test } from "bun:test";
import { image } from "../support/image.ts";
import { locationOf, withDigest } from "../support/push.ts";
import { digest, fresh, pushBytes, putManifest, unknownDigest } from "./support/content.ts";
import { exchange, rawRequest } from "./support/raw.ts";
import { expectRefused } from "./support/refused.ts";
import { freshName, sharedRegistry } from "./support/registry.ts";

const registry = sharedRegistry();
const mount = (name: string, query: string) =>
  registry.ask("POST", `/v2/${name}/blobs/uploads/?${query}`);
const blobStatus = async (name: string, of: string) =>
  (await registry.ask("HEAD", `/v2/${name}/blobs/${of}`)).status;

/** A repository with one blob of its own. */
async function source() {
  const name = freshName("mount");
  const { bytes } = fresh();
  await pushBytes(registry.url, name, bytes);
  return { name, bytes, digest: digest(bytes) };
}

describe("a blob is mounted", () => {
  const ways: readonly [way: string, query: (from: string, of: string) => string][] = [
    ["from the repository that is named", (from, of) => `mount=${of}&from=${from}`],
    ["from anywhere, when none is named", (_, of) => `mount=${of}`],
    ["from anywhere, when the name is empty", (_, of) => `mount=${of}&from=`],
    [
      "with an encoded name and digest",
      (from, of) => `from=${encodeURIComponent(from)}&mount=${encodeURIComponent(of)}`,
    ],
  ];
  for (const [way, query] of ways) {
    test(way, async () => {
      const from = await source();
      const name = freshName("mount");
      const mounted = await mount(name, query(from.name, from.digest));
      expect([mounted.status, mounted.headers.get("docker-content-digest")]).toEqual([
        201,
        from.digest,
      ]);
      expect(new URL(locationOf(mounted, registry.url)).pathname).toBe(
        `/v2/${name}/blobs/${from.digest}`,
      );
      expect((await registry.ask("GET", `/v2/${name}/blobs/${from.digest}`)).bytes).toEqual(
        from.bytes,
      );
    });
  }

  test("from its own repository, which changes nothing", async () => {
    const from = await source();
    expect((await mount(from.name, `mount=${from.digest}&from=${from.name}`)).status).toBe(201);
    expect(await blobStatus(from.name, from.digest)).toBe(200);
  });

  test("again and again, also by many at once", async () => {
    const from = await source();
    const name = freshName("mount");
    const query = `mount=${from.digest}&from=${from.name}`;
    const mounted = await Promise.all(Array.from({ length: 20 }, () => mount(name, query)));
    expect(mounted.map(({ status }) => status)).toEqual(mounted.map(() => 201));
  });

  test("and stays when it is deleted where it came from", async () => {
    const from = await source();
    const name = freshName("mount");
    await mount(name, `mount=${from.digest}&from=${from.name}`);
    expect((await registry.ask("DELETE", `/v2/${from.name}/blobs/${from.digest}`)).status).toBe(
      202,
    );
    expect([await blobStatus(from.name, from.digest), await blobStatus(name, from.digest)]).toEqual(
      [404, 200],
    );
    // A second mount from there finds nothing, whatever the first one was promised.
    expect((await mount(freshName("mount"), `mount=${from.digest}&from=${from.name}`)).status).toBe(
      202,
    );
  });

  test("so that a manifest that names it is accepted", async () => {
    const from = freshName("mount");
    const name = freshName("mount");
    const made = image({ layers: 2 });
    await made.push(registry.url, from, "v1");
    for (const { descriptor } of made.blobs) {
      expect((await mount(name, `mount=${descriptor.digest}&from=${from}`)).status).toBe(201);
    }
    expect((await putManifest(registry.url, name, "v1", made.bytes)).status).toBe(201);
  });
});

describe("a mount that is not possible begins an upload", () => {
  const impossible: readonly [why: string, query: (from: string, of: string) => string][] = [
    ["of a digest that nobody has", (from) => `mount=${unknownDigest}&from=${from}`],
    ["of a digest that nobody has, from anywhere", () => `mount=${unknownDigest}`],
    ["from a repository that is not there", (_, of) => `mount=${of}&from=nobody/here`],
    ["from itself, which does not have it", (_, of) => `mount=${of}&from=SELF`],
  ];
  for (const [why, query] of impossible) {
    test(why, async () => {
      const from = await source();
      const name = freshName("mount");
      const answer = await mount(name, query(from.name, from.digest).replace("SELF", name));
      expect([answer.status, answer.headers.get("docker-content-digest")]).toEqual([202, null]);
      expect(await blobStatus(name, from.digest)).toBe(404);
      const put = await registry.ask(
        "PUT",
        new URL(withDigest(locationOf(answer, registry.url), from.digest)).href.slice(
          registry.url.length,
        ),
        {
          body: from.bytes,
        },
      );
      expect([put.status, await blobStatus(name, from.digest)]).toEqual([201, 200]);
    });
  }

  test("of a manifest: those are pushed, not mounted", async () => {
    const from = freshName("mount");
    const made = image();
    await made.push(registry.url, from, "v1");
    expect((await mount(freshName("mount"), `mount=${made.digest}&from=${from}`)).status).toBe(202);
  });
});

describe("a malformed mount is refused", () => {
  const of = unknownDigest;
  const malformed: readonly [what: string, query: string, code: string, reason: RegExp][] = [
    ["no digest", "mount=&from=a", "DIGEST_INVALID", /"" is not a digest/],
    ["a digest that is a path", "mount=sha256:../../x&from=a", "DIGEST_INVALID", /is not a digest/],
    [
      "two digests",
      `mount=${of}&mount=${of}&from=a`,
      "UNSUPPORTED",
      /mount: it stands more than once/,
    ],
    ["two sources", `mount=${of}&from=a&from=b`, "UNSUPPORTED", /from: it stands more than once/],
    ["a source outside", `mount=${of}&from=../x`, "NAME_INVALID", /"\.\.\/x" does not match/],
    ["a source in capitals", `mount=${of}&from=Library/App`, "NAME_INVALID", /does not match/],
    ["an encoded source outside", `mount=${of}&from=%2e%2e%2fx`, "NAME_INVALID", /does not match/],
    ["a source with a NUL", `mount=${of}&from=a%00b`, "NAME_INVALID", /does not match/],
    [
      "a source of 256 letters",
      `mount=${of}&from=${"a".repeat(256)}`,
      "NAME_INVALID",
      /at most 255/,
    ],
    [
      "a source of nine kilobytes",
      `mount=${of}&from=${"a".repeat(9000)}`,
      "UNSUPPORTED",
      /from: it is longer/,
    ],
  ];
  for (const [what, query, code, reason] of malformed) {
    test(`with ${what}`, async () => {
      const request = rawRequest("POST", `/v2/${freshName("mount")}/blobs/uploads/?${query}`);
      await expectRefused(registry, () => exchange(registry.port, request), {
        status: 400,
        code,
        reason,
      });
    });
  }
});
