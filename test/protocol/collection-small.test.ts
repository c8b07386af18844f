import { describe, expect, test } from "bun:test";
import { expectCleanServer } from "../support/clean.ts";
import { type Blob, blob, randomBytes } from "../support/oci.ts";
import { pushBlob } from "../support/push.ts";
import { startRegistry, type TestRegistry } from "./support/registry.ts";

/** Small enough to come with its transaction, before the tree has it. */
const small = (): Blob => blob("application/octet-stream", randomBytes(500));

const GRACE = 60_000;

async function remove(registry: TestRegistry, { descriptor }: Blob): Promise<void> {
  expect((await registry.ask("DELETE", `/v2/app/blobs/${descriptor.digest}`)).status).toBe(202);
}

async function restore(registry: TestRegistry, { descriptor }: Blob): Promise<void> {
  const answer = await registry.ask("POST", "/api/v1/trash/restore", {
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ names: [`app@${descriptor.digest}`] }),
  });
  expect(answer.text).toContain('"restored":1');
}

async function expectWhole(registry: TestRegistry, it: Blob): Promise<void> {
  const got = await fetch(`${registry.url}/v2/app/blobs/${it.descriptor.digest}`);
  expect(got.status).toBe(200);
  expect(Buffer.from(await got.arrayBuffer()).equals(it.bytes)).toBe(true);
  await expectCleanServer(registry.url);
}

describe("a small blob that is deleted before the tree has it", () => {
  test("comes back out of the trash after a collection", async () => {
    let now = Date.now();
    await using registry = await startRegistry({ grace: GRACE, now: () => now });
    const it = small();
    await pushBlob(it, registry.url, "app");
    await remove(registry, it);
    now += 2 * GRACE;
    expect(await registry.collect()).toMatchObject({ blobs: 1, bytes: 500 });

    await restore(registry, it);
    await registry.opened.collecting.drain();

    await expectWhole(registry, it);
  });

  test("comes back when the tree has followed", async () => {
    await using registry = await startRegistry();
    const it = small();
    await pushBlob(it, registry.url, "app");
    await remove(registry, it);
    await registry.opened.collecting.drain();
    await restore(registry, it);
    await registry.opened.collecting.drain();

    await expectWhole(registry, it);
  });

  test("comes back after a restart", async () => {
    await using registry = await startRegistry();
    const it = small();
    await pushBlob(it, registry.url, "app");
    await remove(registry, it);
    await registry.restart();
    await registry.opened.collecting.compared;

    await restore(registry, it);

    await expectWhole(registry, it);
  });
});
