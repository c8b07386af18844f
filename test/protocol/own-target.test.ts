import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { parseAddress } from "../../src/client/address.ts";
import { openConnection } from "../../src/client/connection.ts";
import { retentionSource } from "../../src/http/api/inventory.ts";
import { parseDigest } from "../../src/oci/digest.ts";
import { parseName } from "../../src/oci/name.ts";
import { parseTag } from "../../src/oci/reference.ts";
import type { PruneTarget } from "../../src/plan/prune-target.ts";
import { metadataTarget } from "../../src/plan/targets/metadata.ts";
import { ownTarget } from "../../src/plan/targets/own.ts";
import { image, index } from "../support/image.ts";
import { type TestRegistry, startRegistry } from "./support/registry.ts";

setDefaultTimeout(60_000);

const TARGETS: readonly {
  readonly how: string;
  readonly open: (registry: TestRegistry) => PruneTarget;
}[] = [
  {
    how: "over its API",
    open: ({ url }) =>
      ownTarget({
        connection: openConnection(parseAddress(url), { credentials: { find: async () => null } }),
        created: true,
      }),
  },
  {
    how: "in its own process",
    open: ({ url, opened }) =>
      metadataTarget({
        registry: { name: "own", place: url },
        source: retentionSource(opened.registry),
        created: true,
        by: () => null,
        now: opened.registry.now,
      }),
  },
];

const APP = parseName("team/app");

describe.each(TARGETS)("a registry of ours, $how,", ({ open }) => {
  test("is read repository by repository, exactly, in order", async () => {
    await using registry = await startRegistry();
    const one = image({ layers: 2 });
    await one.push(registry.url, "b", "v1");
    await one.push(registry.url, "a/c", "v1", "v2");
    const target = open(registry);

    const names = await Array.fromAsync(target.repositories());
    expect(names as readonly string[]).toEqual(["a/c", "b"]);
    expect(target.registry.bytes).toBe("exact");
    const first = await target.inventoryOf(names[0]!);
    expect(first).toEqual(await target.inventoryOf(names[0]!));
    expect(first?.tags.map(({ tag }) => tag as string)).toEqual(["v1", "v2"]);
    expect(first?.manifests[0]).toMatchObject({
      digest: one.digest,
      size: one.bytes.length,
      blobs: expect.arrayContaining(
        one.blobs.map(({ descriptor }) => ({ digest: descriptor.digest, size: descriptor.size })),
      ) as never,
    });
    expect(first?.untaggedListed).toBe(true);
    expect(await target.inventoryOf(parseName("nobody"))).toBeNull();
    await target.close();
  });

  test("loses a tag alone, and a manifest with its tags; what is gone is gone", async () => {
    await using registry = await startRegistry();
    const one = image();
    await one.push(registry.url, APP, "v1", "v2", "v3");
    const target = open(registry);
    const [v1, v2] = [parseTag("v1"), parseTag("v2")];

    expect(await target.removesTags()).toBe(true);
    expect((await target.resolve(APP, v1)) as string).toBe(one.digest);
    for (let time = 1; time <= 2; time++) await target.removeTag(APP, v1);
    expect(await target.resolve(APP, v1)).toBeNull();
    expect((await target.resolve(APP, v2)) as string).toBe(one.digest);

    for (let time = 1; time <= 2; time++) {
      await target.deleteManifest(APP, parseDigest(one.digest));
    }
    expect(await target.resolve(APP, v2)).toBeNull();
    expect((await target.inventoryOf(APP))?.manifests ?? []).toEqual([]);
    await target.removeTag(parseName("nobody"), v1);
    await target.deleteManifest(parseName("nobody"), parseDigest(one.digest));
  });

  test("keeps a manifest that an index needs", async () => {
    await using registry = await startRegistry();
    const one = image();
    await index([one]).push(registry.url, APP, "v1");
    const refused: unknown = await open(registry)
      .deleteManifest(APP, parseDigest(one.digest))
      .catch((error: unknown) => error);
    expect((refused as Error).message).toContain("needs this content");
    expect((await open(registry).inventoryOf(APP))?.manifests).toHaveLength(2);
  });

  test("gives back, whole, what went: index, platforms, signatures and tags", async () => {
    await using registry = await startRegistry({ grace: 1 });
    const [one, two] = [image({ layers: 2 }), image()];
    const both = index([one, two]);
    await both.push(registry.url, APP, "v1", "latest");
    const signature = image({ layers: 1, subject: both.descriptor });
    await signature.push(registry.url, APP);
    const cosign = image();
    const cosignTag = `${both.digest.replace(":", "-")}.sig`;
    await cosign.push(registry.url, APP, cosignTag);
    const kept = image();
    await kept.push(registry.url, APP, "kept");
    const target = open(registry);
    const before = await target.inventoryOf(APP);

    // As a plan has it: parents before children, subjects before referrers.
    for (const { digest } of [both, one, two, signature, cosign]) {
      await target.deleteManifest(APP, parseDigest(digest));
    }
    expect((await target.inventoryOf(APP))?.tags.map(({ tag }) => tag as string)).toEqual(["kept"]);
    await Bun.sleep(10);
    const run = await registry.collect();
    expect(run.blobs).toBeGreaterThan(0);

    // With the image come the signatures that went because it did.
    const names = [`${APP}:v1`, `${APP}:latest`];
    const answer = await registry.ask("POST", "/api/v1/trash/restore", {
      body: JSON.stringify({ names }),
    });
    expect(answer.text).toContain('"failed":0');

    const after = await target.inventoryOf(APP);
    const tagsOf = (inventory: typeof before) =>
      inventory?.tags.map(({ tag, digest }) => `${tag} ${digest}`);
    expect(tagsOf(after)).toEqual(tagsOf(before));
    expect(after?.manifests.map(({ digest, blobs }) => ({ digest, blobs }))).toEqual(
      before?.manifests.map(({ digest, blobs }) => ({ digest, blobs })) as never,
    );
    for (const { blobs } of [one, two, signature, cosign]) {
      for (const { descriptor, bytes } of blobs) {
        const pulled = await fetch(`${registry.url}/v2/${APP}/blobs/${descriptor.digest}`);
        expect(new Uint8Array(await pulled.arrayBuffer())).toEqual(bytes);
      }
    }
  });
});
