import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { Metadata } from "../../src/metadata/metadata.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { awaitConsent } from "../../src/registry/consent.ts";
import { expectCleanServer } from "../support/clean.ts";
import { image } from "../support/image.ts";
import { type Blob, blob, randomBytes } from "../support/oci.ts";
import { pushBlob } from "../support/push.ts";
import { inTree } from "../support/tree.ts";
import { startRegistry, type TestRegistry } from "./support/registry.ts";

const LARGE = 40_000;
const GRACE = 60_000;

const layer = (): Blob => blob("application/octet-stream", randomBytes(LARGE));

const isThere = ({ data }: TestRegistry, digest: string): boolean =>
  existsSync(inTree(data).blob(digest));

/** The next moves of files into the trash fail, as on a disk that has a bad moment. */
function failMoves({ opened }: TestRegistry): void {
  const { storage } = opened.registry;
  const own: Pick<Storage, "moveAll"> = { ...storage };
  const failing: Pick<Storage, "moveAll"> = {
    async moveAll() {
      Object.assign(storage, { moveAll: own.moveAll });
      return await Promise.reject(Object.assign(new Error("EIO"), { code: "EIO" }));
    },
  };
  Object.assign(storage, failing);
}

describe("a collection", () => {
  test("that could not move a file does not stand in the way of a push of it", async () => {
    let now = Date.now();
    await using registry = await startRegistry({ grace: GRACE, now: () => now });
    const it = layer();
    await pushBlob(it, registry.url, "app");
    await registry.opened.collecting.drain();
    now += 2 * GRACE;
    failMoves(registry);
    expect(await registry.collect()).toMatchObject({ outcome: "failed", links: 1 });

    await pushBlob(it, registry.url, "app");

    const got = await fetch(`${registry.url}/v2/app/blobs/${it.descriptor.digest}`);
    expect(Buffer.from(await got.arrayBuffer()).equals(it.bytes)).toBe(true);
    await expectCleanServer(registry.url);
  });

  test("begins by itself for what another one has left half done", async () => {
    let now = Date.now();
    // It looks every now and then whether something is due.
    const often = { grace: 400, collecting: { enabled: true } };
    await using registry = await startRegistry({ ...often, now: () => now });
    const it = layer();
    await pushBlob(it, registry.url, "app");
    await registry.opened.collecting.drain();
    const { metadata } = registry.opened.registry;
    failMoves(registry);
    const own: Pick<Metadata, "settle"> = { ...metadata };
    let failed = false;
    const failing: Pick<Metadata, "settle"> = {
      async settle() {
        failed = true;
        Object.assign(metadata, { settle: own.settle });
        return await Promise.reject(new Error("not now"));
      },
    };
    Object.assign(metadata, failing);
    now += 2 * GRACE;

    while (!failed || isThere(registry, it.descriptor.digest)) await Bun.sleep(10);
    await registry.collector.idle();
    expect(await metadata.listClaims()).toEqual([]);
  });

  test("frees what it can while the tree of one repository cannot be written", async () => {
    let now = Date.now();
    await using registry = await startRegistry({ grace: GRACE, now: () => now });
    const [one, other] = [layer(), layer()];
    await pushBlob(one, registry.url, "app");
    await pushBlob(other, registry.url, "stuck/app");
    await registry.opened.collecting.drain();
    // Whatever did that: there is a file where a folder is to be.
    const place = join(registry.data, "docker/registry/v2/repositories/stuck/app/_layers");
    await rename(place, `${place}-away`);
    await writeFile(place, "");
    await pushBlob(layer(), registry.url, "stuck/app");
    now += 2 * GRACE;
    expect(await registry.collect()).toMatchObject({ outcome: "done", links: 3, blobs: 1 });
    expect(isThere(registry, one.descriptor.digest)).toBe(false);
    expect(isThere(registry, other.descriptor.digest)).toBe(true);

    await rm(place);
    await rename(`${place}-away`, place);
    await registry.opened.collecting.drain();
    expect(await registry.collect()).toMatchObject({ outcome: "done", blobs: 2 });
  });

  test("takes what waited for the yes also when that is said while another one goes on", async () => {
    let now = Date.now();
    await using registry = await startRegistry({ grace: GRACE, now: () => now });
    const { metadata } = registry.opened.registry;
    await awaitConsent(metadata, now, { found: false, foreign: true });
    const [early, late] = [image({ size: LARGE }), image({ size: LARGE })];
    await early.push(registry.url, "app");
    await late.push(registry.url, "app");
    await registry.opened.collecting.drain();
    now += 2 * GRACE;
    // The yes comes when the run has read its rules and is about to judge.
    const own: Pick<Metadata, "collect"> = { ...metadata };
    let said: Promise<unknown> | null = null;
    const replaced: Pick<Metadata, "collect"> = {
      async collect(...given) {
        said ??= registry.collector.ask({ consent: true });
        await said;
        return await own.collect(...given);
      },
    };
    Object.assign(metadata, replaced);

    await registry.collect();
    await registry.collector.idle();

    expect(isThere(registry, early.digest)).toBe(false);
    expect(isThere(registry, late.digest)).toBe(false);
  });
});
