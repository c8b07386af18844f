import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/support/failure.ts";
import { fakeRegistry, ociError } from "../../test/support/fake-registry.ts";
import { type Fixture, image, index } from "../../test/support/image.ts";
import { localRegistry } from "../../test/support/local-registry.ts";
import { parseName } from "../oci/name.ts";
import { parseReference } from "../oci/reference.ts";
import { parseAddress } from "./address.ts";
import { openConnection } from "./connection.ts";
import { describePlain } from "./describe-plain.ts";
import { openDescriber } from "./describe.ts";
import type { Describer, TagDescription } from "./description.ts";

const app = parseName("app");

function connect(url: string) {
  return openConnection(parseAddress(url), { credentials: { find: async () => null } });
}

function byTag(tags: readonly TagDescription[]): Record<string, TagDescription> {
  return Object.fromEntries(tags.map((tag) => [tag.tag, tag]));
}

async function all(describer: Describer): Promise<Record<string, TagDescription>> {
  return byTag(await Array.fromAsync(describer.tags(app)));
}

/** A registry without our API, with one image under the given tags. */
function plainRegistry(one: Fixture, tags: readonly string[], foreign: () => Response) {
  return fakeRegistry(({ path }) => {
    const [, area, ...rest] = path.split("?")[0]?.split("/") ?? [];
    if (area !== "v2") return foreign();
    if (rest.at(-2) === "tags") return Response.json({ tags });
    const last = rest.at(-1) ?? "";
    const blob = one.blobs.find(({ descriptor }) => descriptor.digest === last);
    if (blob) return new Response(blob.bytes);
    if (last !== one.digest && !tags.includes(last)) return ociError(404, "MANIFEST_UNKNOWN");
    const headers = { "content-type": one.mediaType, "docker-content-digest": one.digest };
    return new Response(one.bytes, { headers });
  });
}

describe("our own registry", () => {
  test("is described with its API, and by its manifests all the same", async () => {
    await using registry = await localRegistry();
    const platforms = ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture }));
    const children = platforms.map((platform) => image({ platform }));
    await index(children).push(registry.url, "app", "multi");
    await image({ layers: 2 }).push(registry.url, "app", "1", "2");
    await image({ artifactType: "text/x" }).push(registry.url, "app", "artifact");

    const ours = await all(openDescriber(connect(registry.url)));
    const plain = await all(describePlain(connect(registry.url)));

    expect(Object.keys(ours)).toEqual(["1", "2", "artifact", "multi"]);
    for (const [tag, { content, pushedAt }] of Object.entries(ours)) {
      expect(plain[tag]).toEqual({ tag, content, pushedAt: null });
      expect(Date.now() - (pushedAt ?? 0)).toBeLessThan(60_000);
    }
    expect(ours["multi"]?.content?.platforms).toEqual(["linux/amd64", "linux/arm64"]);
    for (const describer of [openDescriber, describePlain]) {
      const found = await describer(connect(registry.url)).manifest(app, parseReference("2"));
      expect(found.tags.toSorted()).toEqual(["1", "2"]);
    }
  });

  test("sends its thousands of tags in pages, and all of them are shown", async () => {
    await using registry = await localRegistry();
    const one = image();
    const tags = Array.from({ length: 1100 }, (_, at) => `t${String(at).padStart(4, "0")}`);
    await one.push(registry.url, "app", "t0000");
    for (let at = 0; at < tags.length; at += 100) {
      const query = tags
        .slice(at, at + 100)
        .map((tag) => `tag=${tag}`)
        .join("&");
      await fetch(`${registry.url}/v2/app/manifests/${one.digest}?${query}`, {
        method: "PUT",
        headers: { "content-type": one.mediaType },
        body: one.bytes,
      });
    }

    expect(Object.keys(await all(openDescriber(connect(registry.url))))).toEqual(tags);
  });

  test("says itself what it does not have", async () => {
    await using registry = await localRegistry();
    await image().push(registry.url, "app", "1");
    const describer = openDescriber(connect(registry.url));

    const gone = describer.manifest(app, parseReference("gone"));
    expect((await failureOf(gone)).kind).toBe("MANIFEST_UNKNOWN");
    const nowhere = describer.manifest(parseName("nowhere"), parseReference("1"));
    expect((await failureOf(nowhere)).kind).toBe("NAME_UNKNOWN");
  });
});

describe("another registry", () => {
  const pages: [string, () => Response][] = [
    ["with its own 404", () => new Response("404 page not found", { status: 404 })],
    ["with an OCI error", () => ociError(404, "UNSUPPORTED")],
    [
      "with a web page and 200",
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
    ],
    [
      "with JSON of its own",
      () => Response.json({ schemaVersion: 1, name: "app", tags: [1], next: null }),
    ],
    ["with a version we do not know", () => Response.json({ schemaVersion: 2, name: "app" })],
    ["with 403", () => new Response(null, { status: 403 })],
  ];

  test.each(pages)("that answers our API %s is read by its manifests", async (_, foreign) => {
    const one = image();
    await using registry = plainRegistry(one, ["1", "2"], foreign);
    const describer = openDescriber(connect(registry.url));

    const tags = await all(describer);
    const { tags: shared } = await describer.manifest(app, parseReference("1"));

    const size = one.bytes.length + one.blobs.reduce((sum, blob) => sum + blob.bytes.length, 0);
    expect(tags["2"]).toMatchObject({ content: { digest: one.digest, size }, pushedAt: null });
    expect(shared).toEqual(["1", "2"]);
    // Our API is tried once.
    expect(registry.heard.filter(({ path }) => path.startsWith("/api/"))).toHaveLength(1);
  });

  test("may list what it does not have, and what is no tag: neither ends the list", async () => {
    const one = image();
    await using registry = plainRegistry(one, ["1", "../../evil", "\u001b[2J"], () =>
      ociError(404, ""),
    );

    const tags = await all(openDescriber(connect(registry.url)));

    expect(tags["1"]?.content?.digest).toBe(one.digest as never);
    expect(tags["../../evil"]?.content).toBeNull();
    expect(tags["\u001b[2J"]?.content).toBeNull();
    expect(registry.heard.filter(({ path }) => path.includes("evil"))).toEqual([]);
  });

  test("may hold a part of an image only: the sizes are those of its descriptors", async () => {
    const child = image();
    const whole = index([child]);
    await using registry = plainRegistry(whole, ["1"], () => ociError(404, ""));

    const tags = await all(openDescriber(connect(registry.url)));

    expect(tags["1"]?.content?.size).toBe(whole.bytes.length + child.bytes.length);
  });

  test("may hold a manifest that nobody can read: its size is not known", async () => {
    const odd = { ...image(), mediaType: "application/x-odd" };
    await using registry = plainRegistry(odd, ["1"], () => ociError(404, ""));

    const tags = await all(openDescriber(connect(registry.url)));

    expect(tags["1"]?.content).toMatchObject({ size: null, platforms: [] });
  });

  test("that sends more than a page can be is an error, not one without our API", async () => {
    const tooMuch = new Uint8Array(33 * 1024 * 1024);
    await using registry = plainRegistry(image(), ["1"], () => new Response(tooMuch));

    const failure = await failureOf(all(openDescriber(connect(registry.url))));

    expect(failure.kind).toBe("REMOTE");
    expect(failure.message).toContain("larger than 32 MiB");
    expect(registry.heard.filter(({ path }) => path.startsWith("/v2/app/"))).toEqual([]);
  });

  test("that has our API and sends its pages in a circle is left", async () => {
    const { digest } = image();
    const tag = { tag: "1", digest, mediaType: "x", size: 1, platforms: [], pushedAt: 1 };
    await using registry = fakeRegistry(() =>
      Response.json({ schemaVersion: 1, name: "app", tags: [tag], next: "1" }),
    );

    expect((await failureOf(all(openDescriber(connect(registry.url))))).message).toContain(
      "list without end",
    );
    expect(registry.heard.length).toBeLessThan(5);
  });
});
