import { existsSync } from "node:fs";
import { describe, expect, test } from "bun:test";
import { expectCleanServer } from "../support/clean.ts";
import { image, index } from "../support/image.ts";
import { randomBytes, blob } from "../support/oci.ts";
import { inTree } from "../support/tree.ts";
import { pushBlob } from "../support/push.ts";
import { startRegistry, type TestRegistry } from "./support/registry.ts";

/** Something larger than what is kept in the metadata for a while. */
const LARGE = 40_000;

async function remove(registry: TestRegistry, name: string, reference: string): Promise<void> {
  const { status } = await registry.ask("DELETE", `/v2/${name}/manifests/${reference}`);
  expect(status).toBe(202);
}

/** The grace of a millisecond has passed since whatever was done before. */
const later = async (): Promise<void> => await Bun.sleep(5);

async function statusOf(registry: TestRegistry, path: string): Promise<number> {
  return (await registry.ask("HEAD", path)).status;
}

describe("a collection in a registry that goes on", () => {
  test("takes away an untagged image with all it had, and counts its bytes", async () => {
    await using registry = await startRegistry({ grace: 1 });
    const dead = image({ layers: 2, size: LARGE });
    const live = image({ layers: 1, size: LARGE });
    await dead.push(registry.url, "app", "old");
    await live.push(registry.url, "app", "new");
    // What the tree never had could not go there.
    await registry.opened.collecting.drain();
    await remove(registry, "app", "old");
    await later();

    const run = await registry.collect();

    const all = [dead.bytes.length, ...dead.blobs.map(({ bytes }) => bytes.length)];
    expect(run).toMatchObject({
      outcome: "done",
      manifests: 1,
      links: 3,
      blobs: 4,
      bytes: all.reduce((sum, size) => sum + size, 0),
      repositories: 0,
    });
    const tree = inTree(registry.data);
    for (const digest of [dead.digest, ...dead.blobs.map(({ descriptor }) => descriptor.digest)]) {
      expect(existsSync(tree.blob(digest))).toBe(false);
      expect(existsSync(tree.layerLink("app", digest))).toBe(false);
    }
    expect(await statusOf(registry, `/v2/app/manifests/${dead.digest}`)).toBe(404);
    expect(await statusOf(registry, "/v2/app/manifests/new")).toBe(200);
    for (const { descriptor } of live.blobs) {
      expect(await statusOf(registry, `/v2/app/blobs/${descriptor.digest}`)).toBe(200);
    }
    await expectCleanServer(registry.url);
  });

  test("keeps the untagged children of a tagged index", async () => {
    await using registry = await startRegistry({ grace: 1 });
    const platforms = index([image({ size: LARGE }), image({ size: LARGE })]);
    await platforms.push(registry.url, "app", "1");
    await later();

    expect(await registry.collect()).toMatchObject({ outcome: "done", manifests: 0, blobs: 0 });
    await expectCleanServer(registry.url);
  });

  test("leaves what is younger than the grace, and takes it when that is over", async () => {
    let now = Date.now();
    await using registry = await startRegistry({ grace: 50, now: () => now });
    const dead = image({ size: LARGE });
    await dead.push(registry.url, "app", "1");
    await remove(registry, "app", "1");
    await Bun.sleep(60);

    now += 60;
    expect((await registry.collect()).manifests).toBe(0);
    now += 10;
    expect((await registry.collect()).manifests).toBe(1);
  });

  test("twice takes away nothing more", async () => {
    await using registry = await startRegistry({ grace: 1 });
    const dead = image({ size: LARGE });
    await dead.push(registry.url, "app", "1");
    await remove(registry, "app", "1");
    await later();
    await registry.collect();

    const again = await registry.collect({ walk: true });
    expect(again).toMatchObject({ outcome: "done", manifests: 0, links: 0, blobs: 0, bytes: 0 });
  });

  test("removes the name of an empty repository from the catalog and its folder from the tree", async () => {
    await using registry = await startRegistry({ grace: 1 });
    const dead = image({ size: LARGE });
    await dead.push(registry.url, "team/gone", "1");
    await image().push(registry.url, "team", "1");
    await remove(registry, "team/gone", "1");
    await later();
    await registry.collect();
    await later();
    const run = await registry.collect();

    expect(run.outcome).toBe("done");
    const { repositories } = JSON.parse((await registry.ask("GET", "/v2/_catalog")).text);
    expect(repositories).toEqual(["team"]);
    await registry.opened.collecting.drain();
    expect(existsSync(`${registry.data}/docker/registry/v2/repositories/team/gone`)).toBe(false);
    await expectCleanServer(registry.url);
  });

  test("takes away a layer that was pushed and that no manifest came to name", async () => {
    await using registry = await startRegistry({ grace: 1 });
    const layer = blob("application/octet-stream", randomBytes(LARGE));
    const { descriptor } = layer;
    await pushBlob(layer, registry.url, "app");
    await later();

    expect(await registry.collect()).toMatchObject({ links: 1, blobs: 1, bytes: LARGE });
    expect(await statusOf(registry, `/v2/app/blobs/${descriptor.digest}`)).toBe(404);
    await pushBlob(layer, registry.url, "app");
    expect(await statusOf(registry, `/v2/app/blobs/${descriptor.digest}`)).toBe(200);
    await expectCleanServer(registry.url);
  });

  test("takes away exactly what its plan has said, and counts shared bytes once", async () => {
    await using registry = await startRegistry({ grace: 1 });
    const shared = image({ size: LARGE });
    const subject = image({ size: LARGE });
    const referrer = image({
      subject: subject.descriptor,
      artifactType: "application/x-sbom",
      size: LARGE,
    });
    const nested = index([index([image({ size: LARGE })]), image({ size: LARGE })]);
    for (const name of ["one", "two"]) await shared.push(registry.url, name);
    await shared.push(registry.url, "three", "kept");
    for (const one of [subject, referrer, nested]) await one.push(registry.url, "one");
    const untagged = image({ size: LARGE });
    for (const name of ["one", "two"]) await untagged.push(registry.url, name);
    await registry.opened.collecting.drain();
    await later();

    const lines = (await registry.ask("GET", "/api/v1/gc/plan")).text.trim().split("\n");
    const parts = lines.map((line) => JSON.parse(line));
    const totals = parts.at(-1).done;
    const run = await registry.collect();

    expect(run).toMatchObject({
      outcome: "done",
      manifests: totals.manifests.garbage,
      links: totals.links.garbage,
      blobs: totals.blobs.garbage,
      bytes: totals.bytes.garbage,
    });
    const ofRepositories = parts.slice(0, -1).map(({ repository }) => repository);
    expect(ofRepositories.map(({ repository }) => repository)).toEqual(["one", "two"]);
    const sum = (key: "freed" | "shared"): number =>
      ofRepositories.reduce((all, { bytes }) => all + bytes[key], 0);
    expect(sum("freed")).toBe(totals.bytes.garbage);
    // The image that is tagged in the third, let go by the first two.
    const whole = shared.blobs.reduce((all, { bytes }) => all + bytes.length, shared.bytes.length);
    expect(sum("shared")).toBe(2 * whole);
    expect(totals.manifests).toEqual({ live: 1, garbage: run.manifests });
    await expectCleanServer(registry.url);
  });
});
