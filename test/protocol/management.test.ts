import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { image, index } from "../support/image.ts";
import { digest, fresh, pushBytes, unknownDigest } from "./support/content.ts";
import { expectRefusal, expectRefused } from "./support/refused.ts";
import { freshName, sharedRegistry, startRegistry } from "./support/registry.ts";
import { followed } from "./support/stored.ts";
import { openUpload } from "./support/upload.ts";

const registry = sharedRegistry();
const remove = (name: string, reference: string) =>
  registry.ask("DELETE", `/v2/${name}/manifests/${reference}`);
const removeBlob = (name: string, of: string) => registry.ask("DELETE", `/v2/${name}/blobs/${of}`);
const status = async (path: string) => (await registry.ask("GET", path)).status;
const tagsOf = async (name: string) =>
  (await registry.ask("GET", `/v2/${name}/tags/list`)).json().tags;
const inTree = (...path: string[]) =>
  join(registry.data, "docker/registry/v2/repositories", ...path);

async function expectGone(path: string, code = "MANIFEST_UNKNOWN"): Promise<void> {
  expectRefusal(await registry.ask("GET", path), { status: 404, code });
  expect((await registry.ask("HEAD", path)).status).toBe(404);
}

describe("deleting a tag", () => {
  test("takes the tag, and leaves the manifest and its other tags", async () => {
    const name = freshName("management");
    const made = image();
    await made.push(registry.url, name, "v1", "v2");

    const removed = await remove(name, "v1");

    expect([removed.status, removed.text]).toEqual([202, ""]);
    await expectGone(`/v2/${name}/manifests/v1`);
    expect([
      await status(`/v2/${name}/manifests/v2`),
      await status(`/v2/${name}/manifests/${made.digest}`),
    ]).toEqual([200, 200]);
    expect(await tagsOf(name)).toEqual(["v2"]);
    await followed(registry.data);
    expect([
      existsSync(inTree(name, "_manifests/tags/v1")),
      existsSync(inTree(name, "_manifests/tags/v2")),
    ]).toEqual([false, true]);
  });

  test("twice is a 404 the second time", async () => {
    const name = freshName("management");
    await image().push(registry.url, name, "v1");
    await remove(name, "v1");
    await expectRefused(registry, () => remove(name, "v1"), {
      status: 404,
      code: "MANIFEST_UNKNOWN",
      reason: /has no v1/,
    });
    expect(await tagsOf(name)).toEqual([]);
  });

  test("that a push sets again afterwards works", async () => {
    const name = freshName("management");
    const made = image();
    for (let times = 0; times < 3; times++) {
      await made.push(registry.url, name, "v1");
      expect(await status(`/v2/${name}/manifests/v1`)).toBe(200);
      await remove(name, "v1");
      await expectGone(`/v2/${name}/manifests/v1`);
    }
  });
});

describe("deleting a manifest", () => {
  test("takes all of its tags, and leaves its blobs", async () => {
    const name = freshName("management");
    const [made, other] = [image({ layers: 2 }), image()];
    await made.push(registry.url, name, "v1", "v2", "latest");
    await other.push(registry.url, name, "other");

    expect((await remove(name, made.digest)).status).toBe(202);

    for (const reference of ["v1", "v2", "latest", made.digest])
      await expectGone(`/v2/${name}/manifests/${reference}`);
    expect(await tagsOf(name)).toEqual(["other"]);
    for (const { descriptor } of made.blobs)
      expect(await status(`/v2/${name}/blobs/${descriptor.digest}`)).toBe(200);
    await expectRefused(registry, () => remove(name, made.digest), {
      status: 404,
      code: "MANIFEST_UNKNOWN",
    });
  });

  test("leaves the same manifest of other repositories alone", async () => {
    const [name, other] = [freshName("management"), freshName("management")];
    const made = image();
    for (const repository of [name, other]) await made.push(registry.url, repository, "v1");
    await remove(name, made.digest);
    expect([
      await status(`/v2/${name}/manifests/v1`),
      await status(`/v2/${other}/manifests/v1`),
    ]).toEqual([404, 200]);
  });

  test("that an index names is refused with the index, until that is gone", async () => {
    const name = freshName("management");
    const made = index([image(), image()]);
    await made.push(registry.url, name, "v1");
    const child = made.children[0]!;

    const refused = await expectRefused(registry, () => remove(name, child.digest), {
      status: 405,
      code: "UNSUPPORTED",
      reason: /still needs/,
    });
    expect(refused.errors[0]?.detail).toMatchObject({
      digest: child.digest,
      neededBy: [made.digest],
    });

    await remove(name, made.digest);
    expect((await remove(name, child.digest)).status).toBe(202);
    await expectGone(`/v2/${name}/manifests/${child.digest}`);
  });

  test("of an index leaves its children", async () => {
    const name = freshName("management");
    const made = index([image()]);
    await made.push(registry.url, name, "v1");
    await remove(name, made.digest);
    expect(await status(`/v2/${name}/manifests/${made.children[0]!.digest}`)).toBe(200);
  });

  test("and pushing it again brings all of it back", async () => {
    const name = freshName("management");
    const made = index([image(), image()]);
    for (let times = 0; times < 3; times++) {
      await made.push(registry.url, name, "v1");
      expect((await registry.ask("GET", `/v2/${name}/manifests/v1`)).bytes).toEqual(made.bytes);
      for (const one of [made, ...made.children]) {
        expect((await remove(name, one.digest)).status).toBe(202);
        await expectGone(`/v2/${name}/manifests/${one.digest}`);
      }
      await followed(registry.data);
    }
    await made.push(registry.url, name, "v1");
    await followed(registry.data);
    const link = inTree(
      name,
      "_manifests/revisions/sha256",
      made.digest.slice("sha256:".length),
      "link",
    );
    expect(await Bun.file(link).text()).toBe(made.digest);
  });
});

describe("deleting a blob", () => {
  test("takes it from its repository, and from no other", async () => {
    const [name, other] = [freshName("management"), freshName("management")];
    const { bytes, descriptor } = fresh();
    for (const repository of [name, other]) await pushBytes(registry.url, repository, bytes);

    const removed = await removeBlob(name, descriptor.digest);

    expect([removed.status, removed.text]).toEqual([202, ""]);
    await expectGone(`/v2/${name}/blobs/${descriptor.digest}`, "BLOB_UNKNOWN");
    expect(await status(`/v2/${other}/blobs/${descriptor.digest}`)).toBe(200);
    await expectRefused(registry, () => removeBlob(name, descriptor.digest), {
      status: 404,
      code: "BLOB_UNKNOWN",
    });
    // Asked for elsewhere in between, it must not come back here.
    await registry.ask("HEAD", `/v2/${other}/blobs/${descriptor.digest}`);
    await expectGone(`/v2/${name}/blobs/${descriptor.digest}`, "BLOB_UNKNOWN");
  });

  test("that a manifest names is refused with the manifest, until that is gone", async () => {
    const name = freshName("management");
    const made = image({ layers: 2 });
    await made.push(registry.url, name, "v1");
    for (const { descriptor } of made.blobs) {
      const send = () => removeBlob(name, descriptor.digest);
      const refused = await expectRefused(registry, send, {
        status: 405,
        code: "UNSUPPORTED",
        reason: /still needs/,
      });
      expect(refused.errors[0]?.detail).toMatchObject({ neededBy: [made.digest] });
    }
    await remove(name, made.digest);
    for (const { descriptor } of made.blobs)
      expect((await removeBlob(name, descriptor.digest)).status).toBe(202);
  });

  test("and pushing it again brings it back", async () => {
    const name = freshName("management");
    const { bytes, descriptor } = fresh(10_000);
    for (let times = 0; times < 3; times++) {
      expect((await pushBytes(registry.url, name, bytes)).status).toBe(201);
      expect(
        digest((await registry.ask("GET", `/v2/${name}/blobs/${descriptor.digest}`)).bytes),
      ).toBe(descriptor.digest);
      expect((await removeBlob(name, descriptor.digest)).status).toBe(202);
    }
  });
});

describe("what is not there cannot be deleted", () => {
  const absent: readonly [what: string, path: string, code: string][] = [
    ["a tag", "/v2/management/here/manifests/nothing", "MANIFEST_UNKNOWN"],
    ["a manifest", `/v2/management/here/manifests/${unknownDigest}`, "MANIFEST_UNKNOWN"],
    ["a blob", `/v2/management/here/blobs/${unknownDigest}`, "BLOB_UNKNOWN"],
    ["a tag of no repository", "/v2/management/nobody/manifests/v1", "NAME_UNKNOWN"],
    [
      "a manifest of no repository",
      `/v2/management/nobody/manifests/${unknownDigest}`,
      "NAME_UNKNOWN",
    ],
    ["a blob of no repository", `/v2/management/nobody/blobs/${unknownDigest}`, "BLOB_UNKNOWN"],
  ];
  for (const [what, path, code] of absent) {
    test(what, async () => {
      await image().push(registry.url, "management/here", "v1");
      await expectRefused(registry, () => registry.ask("DELETE", path), { status: 404, code });
    });
  }
});

describe("when deleting is turned off", () => {
  test("every form of it is a 405, and nothing goes", async () => {
    await using own = await startRegistry({ delete: false });
    const made = index([image()]);
    await made.push(own.url, "a", "v1");
    const { descriptor } = made.children[0]!.blobs[0]!;
    const loose = fresh();
    await pushBytes(own.url, "a", loose.bytes);
    const references = ["v1", "absent", made.digest, made.children[0]!.digest, unknownDigest];
    const paths = [
      ...references.map((reference) => `/v2/a/manifests/${reference}`),
      ...[descriptor.digest, loose.descriptor.digest, unknownDigest].map(
        (of) => `/v2/a/blobs/${of}`,
      ),
      "/v2/nobody/manifests/v1",
      `/v2/nobody/blobs/${unknownDigest}`,
    ];
    for (const path of paths) {
      await expectRefused(own, () => own.ask("DELETE", path), {
        status: 405,
        code: "UNSUPPORTED",
        reason: /turned off/,
      });
    }
    // Uploads are not content: they can still be cancelled.
    expect((await (await openUpload(own, "a")).cancel()).status).toBe(204);
  });
});

test("what was deleted stays deleted after a restart, and what was not stays", async () => {
  await using own = await startRegistry();
  const [gone, kept] = [image(), image()];
  await gone.push(own.url, "a", "gone", "gone-too");
  await kept.push(own.url, "a", "kept", "lost");
  await own.ask("DELETE", `/v2/a/manifests/${gone.digest}`);
  await own.ask("DELETE", "/v2/a/manifests/lost");
  await own.ask("DELETE", `/v2/a/blobs/${gone.blobs[1]!.descriptor.digest}`);

  await own.restart();

  expect((await own.ask("GET", "/v2/a/tags/list")).json()).toEqual({ name: "a", tags: ["kept"] });
  for (const [path, expected] of [
    ["/v2/a/manifests/kept", 200],
    [`/v2/a/manifests/${gone.digest}`, 404],
    [`/v2/a/blobs/${gone.blobs[1]!.descriptor.digest}`, 404],
    [`/v2/a/blobs/${kept.blobs[1]!.descriptor.digest}`, 200],
  ] as const) {
    expect([path, (await own.ask("GET", path)).status]).toEqual([path, expected]);
  }
});
