import { describe, expect, test } from "bun:test";
import { openTarget } from "../../test/support/api-target.ts";
import { type CountingProxy, countingProxy } from "../../test/support/counting-proxy.ts";
import { failureOf } from "../../test/support/failure.ts";
import { fakeRegistry, ociError } from "../../test/support/fake-registry.ts";
import { type Fixture, image, index } from "../../test/support/image.ts";
import { localRegistry } from "../../test/support/local-registry.ts";
import type { Digest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import type { TagTimes } from "./api/tag-times.ts";

const APP = parseName("team/app");
const V1 = parseTag("v1");

interface World extends AsyncDisposable {
  readonly url: string;
  readonly proxy: CountingProxy;
  readonly one: Fixture;
}

/** Our registry with one image as `v1`, and a proxy that can make another one of it. */
async function world(): Promise<World> {
  const registry = await localRegistry();
  const proxy = countingProxy(registry.url);
  const one = image({ size: 10 });
  await one.push(registry.url, APP, V1);
  return {
    url: registry.url,
    proxy,
    one,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

describe("a repository over its API", () => {
  test("is null when the registry says that there is none, and an error when it says anything else", async () => {
    await using at = await world();
    await using target = openTarget(at.proxy.url);

    expect(await target.inventoryOf(parseName("nowhere"))).toBeNull();
    at.proxy.intercept = () => new Response("", { status: 500 });
    expect((await failureOf(target.inventoryOf(APP))).kind).toBe("REMOTE");
    at.proxy.intercept = () => new Response("not here", { status: 404 });
    expect((await failureOf(target.inventoryOf(APP))).kind).toBe("REMOTE");
  });

  test("has its images with their configs' times, indexes with the latest, children and blobs", async () => {
    await using at = await world();
    const platforms = index([image({ size: 10 }), image({ size: 20 })]);
    await platforms.push(at.url, APP, "multi");
    await using target = openTarget(at.url);

    const inventory = await target.inventoryOf(APP);

    expect(inventory?.tags.map(({ tag, pushedAt }) => [String(tag), pushedAt])).toEqual([
      ["multi", null],
      ["v1", null],
    ]);
    const byDigest = new Map(inventory?.manifests.map((one) => [String(one.digest), one]));
    expect(byDigest.size).toBe(4);
    const parent = byDigest.get(platforms.digest);
    expect(parent?.children.map(String)).toEqual(platforms.children.map(({ digest }) => digest));
    const times = platforms.children.map(({ digest }) => byDigest.get(digest)?.createdAt ?? 0);
    expect(parent?.createdAt).toBe(Math.max(...times));
    expect(
      byDigest.get(at.one.digest)?.blobs.map(({ digest, size }) => [String(digest), size]),
    ).toEqual(at.one.blobs.map(({ descriptor }) => [descriptor.digest, descriptor.size]));
  });

  test("costs no config where nobody asks when images were built", async () => {
    await using at = await world();
    await using target = openTarget(at.proxy.url, { created: false });

    expect((await target.inventoryOf(APP))?.manifests[0]?.createdAt).toBeNull();
    expect(at.proxy.passed.filter(({ path }) => path.includes("/blobs/"))).toEqual([]);
  });

  test("is read by GET where a HEAD says no digest", async () => {
    await using at = await world();
    at.proxy.after = async (_, answer) => {
      const headers = new Headers(answer.headers);
      headers.delete("docker-content-digest");
      return new Response(await answer.bytes(), { status: answer.status, headers });
    };
    await using target = openTarget(at.proxy.url);

    const inventory = await target.inventoryOf(APP);

    expect(inventory?.tags.map(({ digest }) => String(digest))).toEqual([at.one.digest]);
  });

  test("knows when tags were pushed and images pulled from whoever remembers that", async () => {
    await using at = await world();
    const platforms = index([image({ size: 10 })]);
    await platforms.push(at.url, APP, "multi");
    const child = platforms.children[0]?.digest as Digest;
    const times: TagTimes = {
      pushed: async (_, tags) => new Map(tags.map(({ tag }) => [tag, tag === V1 ? 7 : 8])),
      pulled: async () => new Map([[child, 9]]),
      pullsSince: async () => null,
    };
    await using target = openTarget(at.url, { times });

    const inventory = await target.inventoryOf(APP);

    expect(inventory?.tags.map(({ pushedAt }) => pushedAt)).toEqual([8, 7]);
    const pulled = inventory?.manifests.find(({ digest }) => String(digest) === platforms.digest);
    expect(pulled?.pulledAt).toBe(9);
  });
});

describe("what cannot be read", () => {
  test("because a listed tag has no manifest, is named", async () => {
    await using at = await world();
    at.proxy.intercept = ({ path }) =>
      path.endsWith("/manifests/v1") ? ociError(404, "MANIFEST_UNKNOWN") : undefined;
    await using target = openTarget(at.proxy.url);

    expect((await target.inventoryOf(APP))?.unreadable).toEqual([
      { path: "team/app:v1", problem: "the tag is listed, and has no manifest" },
    ]);
  });

  test("because it went meanwhile, is gone and no damage", async () => {
    await using at = await world();
    let isGone = false;
    at.proxy.intercept = ({ path }) => {
      if (path.endsWith("/manifests/v1")) {
        isGone = true;
        return ociError(404, "MANIFEST_UNKNOWN");
      }
      return isGone && path.includes("/tags/list")
        ? Response.json({ name: APP, tags: [] })
        : undefined;
    };
    await using target = openTarget(at.proxy.url);

    const inventory = await target.inventoryOf(APP);

    expect([inventory?.tags, inventory?.unreadable]).toEqual([[], []]);
  });

  test.each([
    ["of a type that nobody knows", { mediaType: "application/x-new", layers: [] }, "x-new"],
    [
      "that may hide something",
      { mediaType: "", manifests: [{ digest: "sha256:1" }] },
      "manifests[0]",
    ],
  ])("because it is a manifest %s, is named", async (_, document, says) => {
    const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, ...document }));
    await using registry = fakeRegistry(({ path }) =>
      path.includes("/tags/list")
        ? Response.json({ name: APP, tags: ["v1", "v1", "../x"] })
        : new Response(bytes, { headers: { "content-type": "application/x-new" } }),
    );
    await using target = openTarget(registry.url);

    const problems = (await target.inventoryOf(APP))?.unreadable.map(({ problem }) => problem);

    expect(problems).toHaveLength(2);
    expect(problems?.join()).toContain("this is no tag");
    expect(problems?.join()).toContain(says);
  });

  test("because other bytes came than those of the digest, is an error", async () => {
    await using at = await world();
    at.proxy.after = ({ method, path }, answer) =>
      method === "GET" && path.includes("sha256:")
        ? new Response(" ", { headers: answer.headers })
        : undefined;
    await using target = openTarget(at.proxy.url);

    expect((await failureOf(target.inventoryOf(APP))).kind).toBe("REMOTE");
  });

  test("below an index, because a mirror left it out, is no damage", async () => {
    await using at = await world();
    const platforms = index([image({ size: 10 }), image({ size: 10 })]);
    await platforms.push(at.url, APP, "multi");
    at.proxy.intercept = ({ path }) =>
      path.endsWith(platforms.children[0]?.digest ?? "")
        ? ociError(404, "MANIFEST_UNKNOWN")
        : undefined;
    await using target = openTarget(at.proxy.url);

    const inventory = await target.inventoryOf(APP);

    expect(inventory?.unreadable).toEqual([]);
    expect(inventory?.manifests).toHaveLength(3);
  });
});

describe("the repositories of a registry", () => {
  test("that keeps no catalog are those of the configuration; else it says what to set", async () => {
    await using registry = fakeRegistry(() => ociError(404, "UNSUPPORTED"));
    await using unset = openTarget(registry.url);
    await using set = openTarget(registry.url, { repositories: ["b", "a", "b"] });

    const error = await failureOf(Array.fromAsync(unset.repositories()));
    expect(error.message).toContain("registries[].repositories");
    expect(await Array.fromAsync(set.repositories())).toEqual([parseName("a"), parseName("b")]);
    expect(registry.heard).toHaveLength(1);
  });

  test("that refuses large pages are asked for in smaller ones", async () => {
    await using registry = fakeRegistry(({ path }) =>
      path.includes("n=")
        ? ociError(400, "PAGINATION_NUMBER_INVALID")
        : Response.json({ repositories: ["b", "../x", "a"] }),
    );
    await using target = openTarget(registry.url, { cache: "/dev/null/none" });

    expect((await Array.fromAsync(target.repositories())).map(String)).toEqual(["a", "b"]);
    expect(registry.heard.map(({ path }) => path.split("?")[1])).toEqual([
      "n=1000",
      "n=100",
      undefined,
    ]);
    expect(target.warnings.join("\n")).toContain('"../x"');
  });
});
