import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/support/failure.ts";
import { type FakeRegistry, fakeRegistry, ociError } from "../../test/support/fake-registry.ts";
import { isRepositoryName, parseName } from "../oci/name.ts";
import { parseAddress } from "./address.ts";
import { openConnection } from "./connection.ts";
import { openDescriber } from "./describe.ts";
import { listRepositories, listTags } from "./lists.ts";

function connect({ url }: FakeRegistry) {
  return openConnection(parseAddress(url), { credentials: { find: async () => null } });
}

async function tags(registry: FakeRegistry): Promise<string[]> {
  return await Array.fromAsync(listTags(connect(registry), parseName("app")));
}

function page(entries: unknown, link?: string): Response {
  return Response.json({ tags: entries }, { headers: link === undefined ? {} : { link } });
}

describe("a list in pages", () => {
  test("is followed to its end", async () => {
    await using registry = fakeRegistry(({ path }) =>
      path.includes("last=b")
        ? page(["c"])
        : page(["a", "b"], '</v2/app/tags/list?n=2&last=b>; rel="next"'),
    );

    expect(await tags(registry)).toEqual(["a", "b", "c"]);
    expect(registry.heard.map(({ path }) => path)).toEqual([
      "/v2/app/tags/list?n=1000",
      "/v2/app/tags/list?n=2&last=b",
    ]);
  });

  describe("whose first page is just as large as was asked for", () => {
    const all = Array.from({ length: 1500 }, (_, n) => `t${n + 1000}`);
    const last = encodeURIComponent(all[999] ?? "");

    test("goes on also where the Link was lost on the way", async () => {
      await using registry = fakeRegistry(({ path }) =>
        page(path.includes(`last=${last}`) ? all.slice(1000) : all.slice(0, 1000)),
      );
      expect(await tags(registry)).toEqual(all);
    });

    test.each([
      ["has nothing more", () => page([])],
      ["sends all of it again", () => page(all.slice(0, 1000))],
      ["knows of no such question", () => ociError(404, "NAME_UNKNOWN")],
    ])("ends where the registry %s", async (_, second) => {
      await using registry = fakeRegistry(({ path }) =>
        path.includes("last=") ? second() : page(all.slice(0, 1000)),
      );
      expect(await tags(registry)).toHaveLength(1000);
      expect(registry.heard).toHaveLength(2);
    });
  });

  test("is none where what might follow it cannot be had", async () => {
    const all = Array.from({ length: 1000 }, (_, n) => `t${n}`);
    await using registry = fakeRegistry(({ path }) =>
      path.includes("last=") ? ociError(403, "DENIED") : page(all),
    );
    expect(await failureOf(tags(registry))).toMatchObject({ kind: "CREDENTIALS" });
  });

  test.each([
    ["another host", "https://evil.example.com/v2/app/tags/list?last=b"],
    ["another path", "/steal?last=b"],
    ["no path at all", "?last=b"],
  ])("goes on at the registry itself when the link names %s", async (_, target) => {
    await using registry = fakeRegistry(({ path }) =>
      path.includes("last=b") ? page(["c"]) : page(["a", "b"], `<${target}>; rel=next`),
    );

    expect(await tags(registry)).toEqual(["a", "b", "c"]);
    expect(registry.heard[1]?.path).toBe("/v2/app/tags/list?last=b");
  });

  test.each([
    "",
    "<x",
    "nonsense",
    "</v2/?last=b>",
    '</v2/?last=b>; rel="prev"',
    "<http://[>; rel=next",
  ])("ends where the link says nothing of a next page: %p", async (link) => {
    await using registry = fakeRegistry(() => page(["a"], link));

    expect(await tags(registry)).toEqual(["a"]);
  });

  test("is empty when its registry says null, or nothing", async () => {
    await using nothing = fakeRegistry(() => page(null));
    await using absent = fakeRegistry(() => Response.json({}));

    expect(await tags(nothing)).toEqual([]);
    expect(await tags(absent)).toEqual([]);
  });
});

describe("a hostile list", () => {
  test("that leads in a circle is left", async () => {
    await using registry = fakeRegistry(({ path }) =>
      page(["a"], `<?last=${path.includes("last=1") ? 2 : 1}>; rel=next`),
    );

    expect((await failureOf(tags(registry))).message).toContain("list without end");
    expect(registry.heard.length).toBeLessThan(5);
  });

  test("of empty pages that always promise another is left", async () => {
    await using registry = fakeRegistry(() => page([], `<?last=${Math.random()}>; rel=next`));

    expect((await failureOf(tags(registry))).message).toContain("list without end");
    expect(registry.heard).toHaveLength(1);
  });

  test("of one entry a page is left after ten thousand pages", async () => {
    let turn = 0;
    await using registry = fakeRegistry(() => page([`a${++turn}`], `<?last=${turn}>; rel=next`));

    expect((await failureOf(tags(registry))).message).toContain("more than 10000 pages");
    expect(registry.heard).toHaveLength(10_001);
  });

  test("with an entry more than once gives it once", async () => {
    await using registry = fakeRegistry(({ path }) =>
      path.includes("last=b")
        ? page(["b", "c", "c"])
        : page(["a", "a", "b"], "<?last=b>; rel=next"),
    );

    expect(await tags(registry)).toEqual(["a", "b", "c"]);
  });

  test("of what are no names is asked for under none of them", async () => {
    const entries = ["../x", "a/../b", "/a", "a\nb", "a?b=c", "%2e%2e/x", "app"];
    await using registry = fakeRegistry(({ path }) =>
      path.startsWith("/v2/_catalog")
        ? Response.json({ repositories: entries })
        : page(["1", "1\n2", "../1", "a/b", "x".repeat(129), "%2e%2e"]),
    );
    const connection = connect(registry);
    const describer = openDescriber(connection);

    for await (const entry of listRepositories(connection)) {
      if (!isRepositoryName(entry)) continue;
      await Array.fromAsync(describer.tags(parseName(entry)));
    }

    const paths = new Set(registry.heard.map(({ path }) => path.split("?")[0]));
    expect(paths).toEqual(
      new Set(["/v2/_catalog", "/api/v1/tags/app", "/v2/app/tags/list", "/v2/app/manifests/1"]),
    );
  });

  test("that is a web page is no list", async () => {
    const headers = { "content-type": "text/html" };
    await using server = fakeRegistry(() => new Response("<html>Sign in", { headers }));

    expect((await failureOf(tags(server))).message).toContain("web page");
  });

  test("that grows for ever is left at a million entries", async () => {
    const entries = Array.from({ length: 100_000 }, () => "a");
    await using registry = fakeRegistry(() => page(entries, `<?last=${Math.random()}>; rel=next`));

    expect((await failureOf(tags(registry))).message).toContain("more than 1000000 entries");
  });

  test.each([
    ["numbers", [1, 2]],
    ["a text", "abc"],
    ["an object", { length: 1 }],
    ["a name of a megabyte", ["x".repeat(1_000_000)]],
  ])("of %s is refused", async (_, entries) => {
    await using registry = fakeRegistry(() => page(entries));

    expect((await failureOf(tags(registry))).message).toContain("sends no list of tags");
  });

  test("of 40 MiB in one page is not held", async () => {
    const megabyte = new Uint8Array(1024 * 1024).fill(0x20);
    await using registry = fakeRegistry(() => {
      let left = 40;
      const body = new ReadableStream({
        pull: (stream) => (left-- > 0 ? stream.enqueue(megabyte) : stream.close()),
      });
      return new Response(body);
    });

    expect((await failureOf(tags(registry))).message).toContain("larger than 32 MiB");
  });

  test("that is packed to look small is not unpacked", async () => {
    const packed = Bun.gzipSync(new Uint8Array(64 * 1024 * 1024).fill(0x20));
    await using registry = fakeRegistry(
      () => new Response(packed, { headers: { "content-encoding": "gzip" } }),
    );

    expect((await failureOf(tags(registry))).message).toContain("its answer is packed");
  });
});

describe("a list that is not there", () => {
  test("of tags means that there is no such repository, when a registry says so", async () => {
    await using registry = fakeRegistry(() => ociError(404, "NAME_UNKNOWN"));

    expect((await failureOf(tags(registry))).kind).toBe("NAME_UNKNOWN");
  });

  test("means nothing when any web server says so", async () => {
    await using server = fakeRegistry(() => new Response("<h1>Not found</h1>", { status: 404 }));

    expect((await failureOf(tags(server))).kind).toBe("REMOTE");
  });

  test("of repositories is said to be the registry's way", async () => {
    await using registry = fakeRegistry(() => ociError(405, "UNSUPPORTED", "no catalog here"));

    const names = Array.fromAsync(listRepositories(connect(registry)));

    expect((await failureOf(names)).kind).toBe("REFUSED");
    expect((await failureOf(names)).message).toContain("no catalog here");
  });
});
