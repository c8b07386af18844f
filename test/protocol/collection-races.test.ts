import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, expect, test } from "bun:test";
import type { Metadata } from "../../src/metadata/metadata.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { expectCleanServer } from "../support/clean.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { type Blob, blob, randomBytes } from "../support/oci.ts";
import { pushBlob } from "../support/push.ts";
import { inTree } from "../support/tree.ts";
import { openUpload } from "./support/upload.ts";
import { startRegistry, type TestRegistry } from "./support/registry.ts";

/** Larger than what is kept in the metadata for a while. */
const LARGE = 40_000;
const GRACE = 60_000;

interface Scene extends AsyncDisposable {
  readonly registry: TestRegistry;
  /** Nobody has asked for anything for longer than the grace. */
  later(): void;
}

async function scene(): Promise<Scene> {
  let now = Date.now();
  const registry = await startRegistry({ grace: GRACE, now: () => now });
  await registry.opened.collecting.compared;
  return {
    registry,
    later: () => void (now += 2 * GRACE),
    [Symbol.asyncDispose]: async () => await registry[Symbol.asyncDispose](),
  };
}

const layer = (): Blob => blob("application/octet-stream", randomBytes(LARGE));

/** Lets something happen at one moment of the next collection: right before a call of it. */
function before(
  { opened }: TestRegistry,
  step: "readReview" | "collect" | "claim" | "settle" | "rename",
  happens: () => Promise<unknown>,
): void {
  const { metadata, storage } = opened.registry;
  if (step === "rename") {
    const own: Pick<Storage, "moveAll"> = { ...storage };
    const replaced: Pick<Storage, "moveAll"> = {
      async moveAll(moves) {
        Object.assign(storage, { moveAll: own.moveAll });
        await happens();
        return await own.moveAll(moves);
      },
    };
    Object.assign(storage, replaced);
    return;
  }
  const own = metadata[step] as (...given: unknown[]) => Promise<unknown>;
  const replaced = {
    async [step](...given: unknown[]) {
      Object.assign(metadata, { [step]: own });
      await happens();
      return await own(...given);
    },
  } as Partial<Metadata>;
  Object.assign(metadata, replaced);
}

const headBlob = async ({ url }: TestRegistry, name: string, { descriptor }: Blob) =>
  (await fetch(`${url}/v2/${name}/blobs/${descriptor.digest}`, { method: "HEAD" })).status;

async function mount(registry: TestRegistry, from: string, to: string, { descriptor }: Blob) {
  const query = `mount=${descriptor.digest}&from=${from}`;
  return (await registry.ask("POST", `/v2/${to}/blobs/uploads/?${query}`)).status;
}

async function expectWhole(registry: TestRegistry, name: string, it: Blob): Promise<void> {
  const path = `/v2/${name}/blobs/${it.descriptor.digest}`;
  const got = await fetch(registry.url + path);
  expect(got.status).toBe(200);
  expect(Buffer.from(await got.arrayBuffer()).equals(it.bytes)).toBe(true);
  await expectCleanServer(registry.url);
}

async function putManifest({ url }: TestRegistry, name: string, it: Fixture, tag: string) {
  const headers = { "content-type": it.mediaType };
  return await fetch(`${url}/v2/${name}/manifests/${tag}`, {
    method: "PUT",
    headers,
    body: it.bytes,
  });
}

describe("a collection meets a client", () => {
  test("who asks for a link right before it would be taken: it stays", async () => {
    await using it = await scene();
    const { registry } = it;
    const bytes = layer();
    await pushBlob(bytes, registry.url, "app");
    it.later();
    before(registry, "collect", async () => {
      expect(await headBlob(registry, "app", bytes)).toBe(200);
    });

    expect(await registry.collect()).toMatchObject({ links: 0, kept: { young: 1 } });
    await expectWhole(registry, "app", bytes);
  });

  test("who asks for a link right after it was taken: it is not there", async () => {
    await using it = await scene();
    const { registry } = it;
    const bytes = layer();
    await pushBlob(bytes, registry.url, "app");
    it.later();
    before(registry, "claim", async () => {
      expect(await headBlob(registry, "app", bytes)).toBe(404);
    });

    expect(await registry.collect()).toMatchObject({ links: 1, blobs: 1 });
  });

  test("who pulls an untagged manifest right before it would be taken: it stays, with its layers", async () => {
    await using it = await scene();
    const { registry } = it;
    const dead = image({ size: LARGE });
    await dead.push(registry.url, "app");
    it.later();
    before(registry, "collect", async () => {
      const { status } = await registry.ask("GET", `/v2/app/manifests/${dead.digest}`);
      expect(status).toBe(200);
    });

    expect(await registry.collect()).toMatchObject({ manifests: 0, links: 0, blobs: 0 });
    await expectCleanServer(registry.url);
  });

  test("who pushes a doomed blob again: it is live", async () => {
    await using it = await scene();
    const { registry } = it;
    const bytes = layer();
    await pushBlob(bytes, registry.url, "app");
    it.later();
    // A push that comes while the claim is made would wait for it.
    before(registry, "collect", async () => {
      before(registry, "readReview", async () => await pushBlob(bytes, registry.url, "other"));
    });

    expect(await registry.collect()).toMatchObject({ links: 1, blobs: 0 });
    await expectWhole(registry, "other", bytes);
  });

  test("who pushes a blob again one moment before its bytes go: he waits, and it is there", async () => {
    await using it = await scene();
    const { registry } = it;
    const bytes = layer();
    await pushBlob(bytes, registry.url, "app");
    it.later();
    let pushed: Promise<void> | null = null;
    before(registry, "rename", async () => {
      pushed = pushBlob(bytes, registry.url, "other");
      await Bun.sleep(50);
    });

    expect(await registry.collect()).toMatchObject({ links: 1, blobs: 1, bytes: LARGE });
    await (pushed as Promise<void> | null);
    await expectWhole(registry, "other", bytes);
    expect(await registry.collect()).toMatchObject({ blobs: 0 });
    await expectWhole(registry, "other", bytes);
  });

  test("whose upload ends while its blob is collected", async () => {
    await using it = await scene();
    const { registry } = it;
    const bytes = layer();
    await pushBlob(bytes, registry.url, "app");
    const upload = await openUpload(registry, "app");
    await upload.patch(bytes.bytes, 0);
    it.later();
    let ended: Promise<{ status: number }> | null = null;
    before(registry, "settle", async () => {
      ended = upload.put(bytes.descriptor.digest);
      await Bun.sleep(50);
    });

    expect(await registry.collect()).toMatchObject({ links: 1, blobs: 1 });
    expect(await (ended as Promise<{ status: number }> | null)).toMatchObject({ status: 201 });
    await expectWhole(registry, "app", bytes);
  });

  test("who pushes the bytes of a leaving manifest again: they come back", async () => {
    await using it = await scene();
    const { registry } = it;
    // Of one without layers: a push of those would wait.
    const dead = index([]);
    await dead.push(registry.url, "app");
    await registry.opened.collecting.drain();
    it.later();
    before(registry, "rename", async () => await dead.push(registry.url, "other", "1"));

    await registry.collect();
    await registry.opened.collecting.drain();
    expect(existsSync(inTree(registry.data).blob(dead.digest))).toBe(true);
    await expectCleanServer(registry.url);
  });

  test("who mounts from a repository that is about to lose it", async () => {
    await using it = await scene();
    const { registry } = it;
    const bytes = layer();
    await pushBlob(bytes, registry.url, "app");
    it.later();
    before(registry, "collect", async () => {
      expect(await mount(registry, "app", "mine", bytes)).toBe(201);
    });

    expect(await registry.collect()).toMatchObject({ links: 1, blobs: 0 });
    expect(await headBlob(registry, "app", bytes)).toBe(404);
    await expectWhole(registry, "mine", bytes);
  });

  test("who mounts from a repository that has lost it: he is to upload", async () => {
    await using it = await scene();
    const { registry } = it;
    const bytes = layer();
    await pushBlob(bytes, registry.url, "app");
    it.later();
    before(registry, "claim", async () => {
      expect(await mount(registry, "app", "mine", bytes)).toBe(202);
    });

    expect(await registry.collect()).toMatchObject({ links: 1, blobs: 1 });
  });

  test("who pushes a manifest over layers that are about to go, before and after", async () => {
    await using it = await scene();
    const { registry } = it;
    const [early, late] = [image({ size: LARGE }), image({ size: LARGE })];
    for (const { blobs } of [early, late]) {
      for (const one of blobs) await pushBlob(one, registry.url, "app");
    }
    await registry.opened.collecting.drain();
    it.later();
    before(registry, "collect", async () => {
      expect((await putManifest(registry, "app", early, "early")).status).toBe(201);
    });
    before(registry, "claim", async () => {
      const refused = await putManifest(registry, "app", late, "late");
      expect(refused.status).toBe(400);
      expect(await refused.text()).toContain("MANIFEST_BLOB_UNKNOWN");
    });

    expect(await registry.collect()).toMatchObject({ links: 2, blobs: 2 });
    await late.push(registry.url, "app", "late");
    await expectCleanServer(registry.url);
  });
});

describe("a collection meets", () => {
  test("another one: both are the same", async () => {
    await using it = await scene();
    const { registry } = it;
    await pushBlob(layer(), registry.url, "app");
    it.later();
    let second: unknown;
    before(registry, "collect", async () => {
      const answer = await registry.ask("POST", "/api/v1/gc", { body: '{"walk":false}' });
      second = JSON.parse(answer.text).run;
    });

    const run = await registry.collect();
    expect(run).toMatchObject({ outcome: "done", links: 1, blobs: 1 });
    expect(second).toMatchObject({ id: run.id, outcome: "running" });
    expect((await registry.collector.status()).runs).toHaveLength(1);
  });

  test("an upload of another program in the tree: it stops before any bytes go", async () => {
    await using it = await scene();
    const { registry } = it;
    const bytes = layer();
    await pushBlob(bytes, registry.url, "app");
    it.later();
    const theirs = `${registry.data}/docker/registry/v2/repositories/app/_uploads/0a1b/startedat`;
    await mkdir(dirname(theirs), { recursive: true });
    await writeFile(theirs, "2026-01-01T00:00:00Z");

    const run = await registry.collect();
    expect(run).toMatchObject({ outcome: "failed", blobs: 0 });
    expect(run.reason).toContain("_uploads/0a1b");
    expect(existsSync(inTree(registry.data).blob(bytes.descriptor.digest))).toBe(true);
    const again = await registry.ask("POST", "/api/v1/gc");
    expect(again.status).toBe(409);
    expect(again.text).toContain("another program writes into the tree");
  });

  test("a link of another program in the tree: it stops before any bytes go", async () => {
    await using it = await scene();
    const { registry } = it;
    const bytes = layer();
    await pushBlob(bytes, registry.url, "app");
    it.later();
    const stranger = layer().descriptor.digest;
    const link = inTree(registry.data).layerLink("app", stranger);
    await mkdir(dirname(link), { recursive: true });
    await writeFile(link, stranger);

    const run = await registry.collect();
    expect(run).toMatchObject({ outcome: "failed", blobs: 0 });
    expect(run.reason).toContain(stranger.slice("sha256:".length));
  });

  test("a stop: the next start goes on where it was", async () => {
    await using it = await scene();
    const { registry } = it;
    for (let at = 0; at < 5; at++) await pushBlob(layer(), registry.url, "app");
    await image({ size: LARGE }).push(registry.url, "app", "stays");
    it.later();
    before(registry, "claim", async () => void registry.collector.close());

    await registry.collector.ask({});
    await registry.collector.idle();
    const [stopped] = (await registry.collector.status()).runs;
    expect(stopped).toMatchObject({ outcome: "stopped", reason: "the registry stops", links: 5 });
    await registry.restart();
    const run = await registry.collect();
    expect(run.outcome).toBe("done");
    expect(run.blobs + (stopped?.blobs ?? 0)).toBe(5);
    await expectCleanServer(registry.url);
  });
});
