import { describe, expect, test } from "bun:test";
import { digestAt, openTarget, tagsAt } from "../../../test/support/api-target.ts";
import { type CountingProxy, countingProxy } from "../../../test/support/counting-proxy.ts";
import { failureOf } from "../../../test/support/failure.ts";
import { type Fixture, image, index } from "../../../test/support/image.ts";
import { localRegistry } from "../../../test/support/local-registry.ts";
import { parseDigest } from "../../oci/digest.ts";
import { parseName } from "../../oci/name.ts";
import { parseTag } from "../../oci/reference.ts";

const APP = parseName("team/app");
const [OLD, LATEST] = [parseTag("old"), parseTag("latest")];

interface World extends AsyncDisposable {
  readonly url: string;
  readonly proxy: CountingProxy;
  /** Under both tags. */
  readonly shared: Fixture;
}

/** Our registry, which removes a tag alone, and a proxy that can make another one of it. */
async function world(): Promise<World> {
  const registry = await localRegistry();
  const proxy = countingProxy(registry.url);
  const shared = image({ size: 10 });
  await shared.push(registry.url, APP, OLD, LATEST);
  return {
    url: registry.url,
    proxy,
    shared,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

const manifestPath = (reference: string): string => `/v2/${APP}/manifests/${reference}`;
const isProbe = (path: string): boolean => path.includes("wharfinger-probe-");

/** Deletes whatever a tag names, and all of its tags. */
async function deleteWhole(url: string, path: string): Promise<Response> {
  const tag = path.split("/").at(-1) ?? "";
  const digest = await digestAt(url, APP, tag);
  if (digest === "") return await fetch(url + path, { method: "DELETE" });
  const tags = Object.entries(await tagsAt(url, APP)).filter(([, one]) => one === digest);
  for (const [one] of tags) await fetch(url + manifestPath(one), { method: "DELETE" });
  await fetch(url + manifestPath(digest), { method: "DELETE" });
  return new Response("", { status: 202 });
}

describe("a registry that removes a tag alone", () => {
  test("is recognised without a write, proves it on a tag of ours, and does it", async () => {
    await using at = await world();
    await using target = openTarget(at.proxy.url);
    await target.inventoryOf(APP);
    at.proxy.take();

    expect(await target.removesTags()).toBe(true);
    expect(at.proxy.passed).toEqual([
      { method: "DELETE", path: expect.stringContaining("wharfinger-probe-"), status: 404 },
    ]);
    await target.removeTag(APP, OLD);

    expect(await tagsAt(at.url, APP)).toEqual({ [LATEST]: at.shared.digest });
    expect((await target.inventoryOf(APP))?.manifests).toHaveLength(1);
  });

  test("proves it once, and several tags of one image can go", async () => {
    await using at = await world();
    await at.shared.push(at.url, APP, "a", "b", "c");
    await using target = openTarget(at.proxy.url);
    await target.inventoryOf(APP);

    for (const tag of ["a", "b", "c", "old"]) await target.removeTag(APP, parseTag(tag));

    expect(await tagsAt(at.url, APP)).toEqual({ [LATEST]: at.shared.digest });
    const probes = at.proxy.passed.filter(({ method, path }) => method === "PUT" && isProbe(path));
    expect(probes).toHaveLength(2);
  });

  test("is cleared of what a crash in the proof has left", async () => {
    for (let cut = 0, isWhole = false; !isWhole; cut++) {
      await using at = await world();
      let count = 0;
      at.proxy.intercept = () => (++count > cut ? new Response("", { status: 500 }) : undefined);
      {
        await using target = openTarget(at.proxy.url);
        isWhole = await target.removeTag(APP, OLD).then(
          () => true,
          () => false,
        );
      }
      await using target = openTarget(at.url);
      const inventory = await target.inventoryOf(APP);
      expect(inventory?.tags.map(({ tag }) => tag).filter(isProbe)).toEqual([]);
      expect(inventory?.manifests.map(({ digest }) => String(digest))).toEqual([at.shared.digest]);
      await target.removeTag(APP, OLD);
      expect(await tagsAt(at.url, APP)).toEqual({ [LATEST]: at.shared.digest });
    }
  });
});

describe("a registry that cannot be trusted with a tag", () => {
  const kinds: readonly (readonly [string, (at: World, path: string) => Promise<Response>])[] = [
    ["deletes the other tags along with it", async ({ url }, path) => await deleteWhole(url, path)],
    ["says 202 and does nothing", async () => new Response("", { status: 202 })],
    ["has no place for deleting", async () => new Response("not found", { status: 404 })],
    ["refuses", async () => Response.json({ errors: [{ code: "UNSUPPORTED" }] }, { status: 405 })],
  ];
  test.each(kinds)("because it %s, keeps it; its digest is never touched", async (_, answer) => {
    await using at = await world();
    at.proxy.intercept = async ({ method, path }) =>
      method === "DELETE" && !path.includes("sha256:") ? await answer(at, path) : undefined;
    await using target = openTarget(at.proxy.url);
    await target.inventoryOf(APP);

    const error = await failureOf(target.removeTag(APP, OLD));

    expect(error.kind).toBe("REFUSED");
    expect(await digestAt(at.url, APP, LATEST)).toBe(at.shared.digest);
    expect(await digestAt(at.url, APP, OLD)).toBe(at.shared.digest);
  });

  test("only after it was proven, is noticed: the image comes back, and nothing more is done", async () => {
    await using at = await world();
    at.proxy.intercept = async ({ method, path }) =>
      method === "DELETE" && path.endsWith(OLD) ? await deleteWhole(at.url, path) : undefined;
    await using target = openTarget(at.proxy.url);
    await target.inventoryOf(APP);

    const error = await failureOf(target.removeTag(APP, OLD));
    const next = await failureOf(target.removeTag(APP, LATEST));
    const last = await failureOf(target.deleteManifest(APP, parseDigest(at.shared.digest)));

    expect(error.kind).toBe("REMOTE");
    expect(error.message).toContain("together with its tag");
    expect([next.kind, last.kind]).toEqual(["REFUSED", "REFUSED"]);
    expect(target.warnings.join()).toContain("nothing more is done there");
    expect(await tagsAt(at.url, APP)).toEqual({ [LATEST]: at.shared.digest });
  });

  test("does not lose it to credentials that may not push: nothing could be proven", async () => {
    await using at = await world();
    at.proxy.intercept = ({ method }) =>
      method === "POST"
        ? Response.json({ errors: [{ code: "DENIED" }] }, { status: 403 })
        : undefined;
    await using target = openTarget(at.proxy.url);

    expect((await failureOf(target.removeTag(APP, OLD))).kind).toBe("REFUSED");

    expect(Object.keys(await tagsAt(at.url, APP))).toHaveLength(2);
  });
});

describe("a whole manifest", () => {
  test("goes with all its tags, and once more is no error", async () => {
    await using at = await world();
    await using target = openTarget(at.url);
    const digest = parseDigest(at.shared.digest);
    await target.inventoryOf(APP);

    await target.deleteManifest(APP, digest);
    await target.deleteManifest(APP, digest);

    expect(await digestAt(at.url, APP, LATEST)).toBe("");
  });

  test("goes tag by tag where a registry deletes none that has tags", async () => {
    await using at = await world();
    at.proxy.intercept = async ({ method, path }) =>
      method === "DELETE" && path.includes("sha256:") && (await digestAt(at.url, APP, OLD)) !== ""
        ? Response.json({ errors: [{ code: "GOOGLE_MANIFEST_DANGLING_TAG" }] }, { status: 400 })
        : undefined;
    await using target = openTarget(at.proxy.url);
    await target.inventoryOf(APP);

    await target.deleteManifest(APP, parseDigest(at.shared.digest));

    expect(await digestAt(at.url, APP, at.shared.digest)).toBe("");
  });

  test("is REFUSED where deleting is switched off", async () => {
    await using registry = await localRegistry({ delete: false });
    const one = image({ size: 10 });
    await one.push(registry.url, APP, "v1");
    await using target = openTarget(registry.url);

    const error = await failureOf(target.deleteManifest(APP, parseDigest(one.digest)));

    expect(error.kind).toBe("REFUSED");
  });
});

describe("the referrers of what goes", () => {
  test("are asked for, with what lies below them", async () => {
    await using at = await world();
    const signature = image({ artifactType: "application/x-sig", subject: at.shared.descriptor });
    await signature.push(at.url, APP);
    const report = index([image()], { subject: at.shared.descriptor });
    await report.push(at.url, APP);
    await using target = openTarget(at.proxy.url);
    const inventory = await target.inventoryOf(APP);
    expect(inventory?.manifests).toHaveLength(1);

    const found = await target.referrersOf?.(APP, [parseDigest(at.shared.digest)]);

    expect(found?.map(({ digest }) => String(digest)).toSorted()).toEqual(
      [signature, report, ...report.children].map(({ digest }) => digest).toSorted(),
    );
    expect(found?.filter(({ subject }) => String(subject) === at.shared.digest)).toHaveLength(2);
  });

  test("are asked for once at most where the registry has no such API", async () => {
    await using at = await world();
    at.proxy.intercept = ({ path }) =>
      path.includes("/referrers/")
        ? new Response("404 page not found", { status: 404 })
        : undefined;
    await using target = openTarget(at.proxy.url);
    const digest = parseDigest(at.shared.digest);

    expect(await target.referrersOf?.(APP, [digest])).toEqual([]);
    expect(await target.referrersOf?.(APP, [digest])).toEqual([]);
    expect(at.proxy.take(({ path }) => path.includes("/referrers/"))).toBe(1);
  });
});
