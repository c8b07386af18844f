import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { InUseRoots } from "../../src/gc/in-use-roots.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { type TestRegistry, startRegistry } from "./support/registry.ts";

setDefaultTimeout(60_000);

const APP = "team/app";

/** Sources that name these digests, or that fail. */
function sources(...digests: readonly string[]) {
  const state = { digests: new Set(digests), failure: null as string | null };
  const inUse = async (): Promise<InUseRoots> => ({
    failure: state.failure,
    has: (_, digest) => state.digests.has(digest),
  });
  return { state, inUse };
}

async function isHere(registry: TestRegistry, { digest }: Fixture): Promise<boolean> {
  const answer = await registry.ask("HEAD", `/v2/${APP}/manifests/${digest}`);
  return answer.status === 200;
}

/** The same, without a look that would count as being asked for. */
async function here(registry: TestRegistry, ...all: readonly Fixture[]): Promise<boolean[]> {
  const answer = await registry.ask("GET", `/api/v1/inventory?name=${APP}`);
  return all.map(({ digest }) => answer.text.includes(`{"digest":"${digest}","mediaType"`));
}

async function collect(registry: TestRegistry) {
  await Bun.sleep(10);
  return await registry.collect();
}

async function planned(registry: TestRegistry): Promise<string> {
  return (await registry.ask("GET", "/api/v1/gc/plan")).text;
}

describe("what somebody runs is not collected:", () => {
  test("an untagged image, an index with its platforms, and what hangs below them", async () => {
    const [run, gone, one, two] = [image(), image(), image(), image()];
    const both = index([one, two]);
    const { state, inUse } = sources(run.digest, both.digest);
    await using registry = await startRegistry({ grace: 1, inUse });
    for (const fixture of [run, gone, both]) await fixture.push(registry.url, APP);
    await Bun.sleep(10);
    expect(await planned(registry)).not.toContain(run.digest);
    expect(await planned(registry)).toContain(gone.digest);

    const { manifests, kept, inUse: unknown } = await collect(registry);
    expect([manifests, unknown]).toEqual([1, null]);
    expect(kept.protected).toBeGreaterThan(0);
    expect(await here(registry, run, gone, both, one, two)).toEqual([
      true,
      false,
      true,
      true,
      true,
    ]);

    state.digests.clear();
    const after = await collect(registry);
    expect(after.manifests).toBe(4);
    expect(await here(registry, run, both, one, two)).toEqual([false, false, false, false]);
  });

  test("an image of which only the config is known", async () => {
    const run = image();
    const { inUse } = sources(run.blobs[0]!.descriptor.digest);
    await using registry = await startRegistry({ grace: 1, inUse });
    await run.push(registry.url, APP);
    expect((await collect(registry)).manifests).toBe(0);
    expect(await isHere(registry, run)).toBe(true);
  });

  test("a platform of an index that goes", async () => {
    const [one, two] = [image(), image()];
    const both = index([one, two]);
    const { inUse } = sources(one.digest);
    await using registry = await startRegistry({ grace: 1, inUse });
    await both.push(registry.url, APP);
    await collect(registry);
    expect(await here(registry, both, one, two)).toEqual([false, true, false]);
    for (const { descriptor } of one.blobs) {
      const blob = await registry.ask("GET", `/v2/${APP}/blobs/${descriptor.digest}`);
      expect(blob.status).toBe(200);
    }
  });

  test("a subject, when the referrer is what is looked at", async () => {
    const subject = image();
    const { inUse } = sources(subject.digest);
    await using registry = await startRegistry({ grace: 1, inUse });
    await subject.push(registry.url, APP);
    const referrer = image({ subject: subject.descriptor });
    await referrer.push(registry.url, APP);
    expect((await collect(registry)).manifests).toBe(0);
    expect(await here(registry, subject, referrer)).toEqual([true, true]);
  });
});

describe("when a source cannot be read", () => {
  test("no untagged manifest goes, the run says why, and layers that nothing names go", async () => {
    const { state, inUse } = sources();
    state.failure = "file:images.txt: it is not there";
    await using registry = await startRegistry({ grace: 1, inUse });
    const untagged = image();
    await untagged.push(registry.url, APP);
    const spare = image();
    await spare.push(registry.url, APP, "v1");
    await registry.ask("DELETE", `/v2/${APP}/manifests/${spare.digest}`);
    await Bun.sleep(10);
    expect(await planned(registry)).not.toContain(untagged.digest);

    const run = await collect(registry);
    expect(run).toMatchObject({ outcome: "done", manifests: 0, inUse: state.failure });
    expect(run.links).toBe(2);
    expect(registry.warnings).toContain("no untagged manifests are collected");
    expect(await here(registry, untagged)).toEqual([true]);

    state.failure = null;
    expect(await collect(registry)).toMatchObject({ manifests: 1, inUse: null });
  });
});
