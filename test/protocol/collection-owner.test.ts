import { existsSync } from "node:fs";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "bun:test";
import { awaitConsent } from "../../src/registry/consent.ts";
import { expectCleanServer } from "../support/clean.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type Fixture, image } from "../support/image.ts";
import { blob, randomBytes } from "../support/oci.ts";
import { inTree } from "../support/tree.ts";
import { startRegistry, type TestRegistry } from "./support/registry.ts";

const LARGE = 40_000;
const HOUR = 3600 * 1000;

/** The folder of another registry: one tagged image, and one that nobody needs, both from a day ago. */
async function takenOver(data: string): Promise<{ live: Fixture; dead: Fixture }> {
  const root = join(data, "docker", "registry", "v2");
  const put = async (path: string, content: string | Uint8Array): Promise<void> => {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    const then = new Date(Date.now() - 24 * HOUR);
    await utimes(file, then, then);
  };
  const hex = (digest: string): string => digest.slice("sha256:".length);
  const store = async (digest: string, bytes: Uint8Array): Promise<void> => {
    await put(`blobs/sha256/${hex(digest).slice(0, 2)}/${hex(digest)}/data`, bytes);
  };
  const images = { live: image({ size: LARGE }), dead: image({ size: LARGE }) };
  for (const { digest, bytes, blobs } of Object.values(images)) {
    await store(digest, bytes);
    await put(`repositories/app/_manifests/revisions/sha256/${hex(digest)}/link`, digest);
    for (const one of blobs) {
      await store(one.descriptor.digest, one.bytes);
      const link = `repositories/app/_layers/sha256/${hex(one.descriptor.digest)}/link`;
      await put(link, one.descriptor.digest);
    }
  }
  const { digest } = images.live;
  await put("repositories/app/_manifests/tags/1/current/link", digest);
  await put(`repositories/app/_manifests/tags/1/index/sha256/${hex(digest)}/link`, digest);
  return images;
}

const sizeOf = ({ bytes, blobs }: Fixture): number =>
  blobs.reduce((sum, one) => sum + one.bytes.length, bytes.length);

const isThere = ({ data }: TestRegistry, { digest }: Fixture): boolean =>
  existsSync(inTree(data).blob(digest));

async function consent(registry: TestRegistry): Promise<void> {
  const { status } = await registry.ask("POST", "/api/v1/gc", { body: '{"consent":true}' });
  expect(status).toBe(202);
  await registry.collect();
}

describe("a tree that was taken over", () => {
  test("is left as it is until its owner has said yes, and says how many bytes wait", async () => {
    await using folder = await temporaryFolder();
    const { live, dead } = await takenOver(folder.at("data"));
    await using registry = await startRegistry({ grace: HOUR, data: folder.at("data") });

    const run = await registry.collect({ walk: true });
    expect(run).toMatchObject({ outcome: "done", manifests: 0, links: 0, blobs: 0 });
    expect(isThere(registry, dead)).toBe(true);
    const waiting = { manifests: 1, blobs: 3, bytes: sizeOf(dead) };
    expect(await registry.collector.measureWaiting()).toEqual(waiting);
    const status = JSON.parse((await registry.ask("GET", "/api/v1/gc")).text);
    expect(status.consent).toMatchObject({ waiting });

    await consent(registry);
    expect(isThere(registry, dead)).toBe(false);
    expect(isThere(registry, live)).toBe(true);
    expect((await registry.collector.status()).consent).toBeNull();
    await expectCleanServer(registry.url);
  });

  test("remembers the yes over a restart", async () => {
    await using folder = await temporaryFolder();
    await takenOver(folder.at("data"));
    await using registry = await startRegistry({ grace: HOUR, data: folder.at("data") });
    await consent(registry);

    await registry.restart();
    await registry.opened.collecting.compared;
    expect((await registry.collector.status()).consent).toBeNull();
  });

  test("does not hold up what becomes garbage later", async () => {
    await using folder = await temporaryFolder();
    const { dead } = await takenOver(folder.at("data"));
    let now = Date.now();
    const place = { data: folder.at("data"), now: () => now };
    await using registry = await startRegistry({ grace: HOUR, ...place });
    now += 1000;
    const later = image({ size: LARGE });
    await later.push(registry.url, "app");
    await registry.opened.collecting.drain();
    now += 2 * HOUR;

    expect(await registry.collect()).toMatchObject({ manifests: 1, links: 2, blobs: 3 });
    expect(isThere(registry, later)).toBe(false);
    expect(isThere(registry, dead)).toBe(true);
  });

  test("waits with all that is pushed, too, under the configuration of another registry", async () => {
    let now = Date.now();
    await using registry = await startRegistry({ grace: HOUR, now: () => now });
    const { metadata } = registry.opened.registry;
    await awaitConsent(metadata, now, { found: false, foreign: true });
    const pushed = image({ size: LARGE });
    await pushed.push(registry.url, "app");
    await registry.opened.collecting.drain();
    now += 2 * HOUR;

    expect(await registry.collect()).toMatchObject({ manifests: 0, blobs: 0 });
    await consent(registry);
    expect(isThere(registry, pushed)).toBe(false);
    await awaitConsent(metadata, now, { found: true, foreign: true });
    expect((await registry.collector.status()).consent).toBeNull();
  });
});

describe("a look for what nothing knows", () => {
  /** A file that no row speaks of, from so long ago. */
  async function orphan({ data }: TestRegistry, age: number): Promise<string> {
    const { bytes, descriptor } = blob("application/octet-stream", randomBytes(LARGE));
    const path = inTree(data).blob(descriptor.digest);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    const then = new Date(Date.now() - age);
    await utimes(path, then, then);
    return path;
  }

  test("takes away files of blobs/ that are older than the grace, into the trash", async () => {
    await using registry = await startRegistry({ grace: HOUR });
    const [old, young] = [await orphan(registry, 2 * HOUR), await orphan(registry, HOUR)];

    expect(await registry.collect()).toMatchObject({ blobs: 0 });
    expect(existsSync(old)).toBe(true);
    expect(await registry.collect({ walk: true })).toMatchObject({ blobs: 1, bytes: LARGE });
    expect([existsSync(old), existsSync(dirname(old)), existsSync(young)]).toEqual([
      false,
      false,
      true,
    ]);
  });

  test("takes away uploads that another registry has left, and their folder", async () => {
    await using registry = await startRegistry({ grace: HOUR });
    await image().push(registry.url, "app", "1");
    await registry.opened.collecting.drain();
    const uploads = join(registry.data, "docker/registry/v2/repositories/app/_uploads");
    await mkdir(join(uploads, "0a1b"), { recursive: true });
    for (const name of ["data", "startedat"]) {
      await writeFile(join(uploads, "0a1b", name), "x");
      const then = new Date(Date.now() - 3 * HOUR);
      await utimes(join(uploads, "0a1b", name), then, then);
    }

    expect(await registry.collect()).toMatchObject({ uploads: 0 });
    expect(await registry.collect({ walk: true })).toMatchObject({ uploads: 1, outcome: "done" });
    expect(existsSync(uploads)).toBe(false);
    await expectCleanServer(registry.url);
  });

  test("brings back what lies in the trash and is needed again", async () => {
    let now = Date.now();
    await using registry = await startRegistry({ grace: HOUR, now: () => now });
    const dead = image({ size: LARGE });
    await dead.push(registry.url, "app");
    await registry.opened.collecting.drain();
    now += 2 * HOUR;
    await registry.collect();
    const { metadata } = registry.opened.registry;
    const [layer] = dead.blobs.filter(({ bytes }) => bytes.length === LARGE);
    const digest = layer?.descriptor.digest as Parameters<typeof metadata.doom>[0][0]["digest"];
    // As a comparison with a tree does in which another registry has linked it.
    await metadata.linkBlob("app" as never, { digest, size: LARGE }, now, null);

    expect(await registry.collect({ walk: true })).toMatchObject({ restored: 1, links: 0 });
    const got = await fetch(`${registry.url}/v2/app/blobs/${digest}`);
    expect(Buffer.from(await got.arrayBuffer()).equals(layer?.bytes ?? Buffer.of())).toBe(true);
    await expectCleanServer(registry.url);
  });
});
