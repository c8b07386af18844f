import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { image, index, type Fixture } from "../support/image.ts";
import {
  type OtherRegistry,
  collectGarbage,
  otherRegistries,
} from "../support/other-registries.ts";
import { notServed, pullManifest, tagsOf } from "../support/pull.ts";
import { expectStatus } from "../support/push.ts";
import { againstDockerRegistry, startDockerRegistry, startWharf } from "../support/server.ts";

setDefaultTimeout(240_000);

/** What a folder should hold, whoever serves it. */
class Model {
  readonly tags = new Map<string, Map<string, Fixture>>();
  /** All that was ever there, by repository. */
  readonly known = new Map<string, Set<Fixture>>();
  readonly deleted = new Map<string, Set<string>>();

  of(name: string): Map<string, Fixture> {
    const found = this.tags.get(name) ?? new Map<string, Fixture>();
    this.tags.set(name, found);
    return found;
  }

  async push(url: string, name: string, fixture: Fixture, ...tags: string[]): Promise<void> {
    await fixture.push(url, name, ...tags);
    for (const tag of tags) this.of(name).set(tag, fixture);
    this.known.set(name, (this.known.get(name) ?? new Set()).add(fixture));
    this.deleted.get(name)?.delete(fixture.digest);
  }

  /** Removes a manifest with all its tags. */
  async remove(url: string, name: string, { digest }: Fixture): Promise<void> {
    await expectStatus(202, `${url}/v2/${name}/manifests/${digest}`, { method: "DELETE" });
    for (const [tag, fixture] of this.of(name)) {
      if (fixture.digest === digest) this.of(name).delete(tag);
    }
    this.deleted.set(name, (this.deleted.get(name) ?? new Set()).add(digest));
  }

  /** What a server says differently; nothing when all is well. */
  async differences(url: string): Promise<string[]> {
    const found: string[] = [];
    for (const [name, tags] of this.tags) {
      const listed = (await tagsOf(url, name)).join(" ");
      const expected = [...tags.keys()].toSorted().join(" ");
      if (listed !== expected) found.push(`${name} lists "${listed}" instead of "${expected}"`);
      for (const [tag, fixture] of tags) found.push(...(await notServed(url, name, tag, fixture)));
      for (const digest of this.deleted.get(name) ?? []) {
        const { status } = await pullManifest(url, name, digest);
        if (status !== 404) found.push(`${name}@${digest} was deleted, and is answered ${status}`);
      }
    }
    return found;
  }
}

/** Reproducible: a failing seed can be run again. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const names = ["app", "team/app", "team/app/deep"];
const tagNames = ["latest", "v1", "v2", "v3"];

/** A few changes at random, as clients make them. */
async function change(model: Model, url: string, pick: (below: number) => number): Promise<void> {
  for (let left = 6; left > 0; left--) {
    const name = names[pick(names.length)] ?? "app";
    const tag = tagNames[pick(tagNames.length)] ?? "latest";
    const gone = model.deleted.get(name) ?? new Set<string>();
    const there = [...(model.known.get(name) ?? [])].filter(({ digest }) => !gone.has(digest));
    const old = there[pick(there.length)];
    const action = pick(4);
    if (action === 3 && old && there.length > 2) await model.remove(url, name, old);
    // A tag is moved back to what it may have named before.
    else if (action === 2 && old) await model.push(url, name, old, tag);
    else if (action === 1) await model.push(url, name, index([image(), image()]), tag);
    else await model.push(url, name, image({ layers: 2 }), tag);
  }
}

for (const { name, program, missing } of otherRegistries) {
  const left = program === null && !(missing.required && process.env["CI"] === "true");
  const title = `${name} and ours in turns on one folder${left ? ` (${missing.reason})` : ""}`;
  // Skipped also under CI=true where it is not required: see the list.
  describe.skipIf(left || againstDockerRegistry)(title, () => turns({ name, program, missing }));
}

function turns({ program, missing }: OtherRegistry): void {
  const theirs = async (data: string): ReturnType<typeof startDockerRegistry> => {
    if (program === null) throw new Error(missing.reason);
    return await startDockerRegistry(data, {}, program);
  };

  for (const seed of [1, 2, 3]) {
    test(`each serves what the other has left, through many rounds of pushes, moves and deletes (seed ${seed})`, async () => {
      await using folder = await temporaryFolder();
      const data = folder.at("data");
      const model = new Model();
      const pick = random(seed);
      for (let round = 0; round < 3; round++) {
        {
          await using registry = await theirs(data);
          expect(await model.differences(registry.url)).toEqual([]);
          await change(model, registry.url, pick);
        }
        await collectGarbage(program ?? "", data);
        {
          await using wharf = await startWharf({ data });
          expect(await model.differences(wharf.url)).toEqual([]);
          await change(model, wharf.url, pick);
          expect(await model.differences(wharf.url)).toEqual([]);
        }
      }
      await using registry = await theirs(data);
      expect(await model.differences(registry.url)).toEqual([]);
    });
  }

  test("a tag that it moves back is where it says at our next start, though no folder shows a change", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const [before, after] = [image(), image()];
    {
      await using wharf = await startWharf({ data });
      await before.push(wharf.url, "team/app", "latest");
      await after.push(wharf.url, "team/app", "latest");
    }
    {
      await using registry = await theirs(data);
      await before.push(registry.url, "team/app", "latest");
    }

    await using wharf = await startWharf({ data });

    expect(await notServed(wharf.url, "team/app", "latest", before)).toEqual([]);
    expect(await notServed(wharf.url, "team/app", after.digest, after)).toEqual([]);
    expect(wharf.logs()).toContain(`latest: ${after.digest} to ${before.digest}`);
  });

  test("what it deletes and collects while we are stopped is gone here too, and the log says what", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const [kept, deleted, untagged] = [image(), image(), image()];
    {
      await using wharf = await startWharf({ data });
      await kept.push(wharf.url, "team/app", "kept");
      await deleted.push(wharf.url, "team/app", "one", "two");
      await untagged.push(wharf.url, "team/app", "moved");
      await kept.push(wharf.url, "team/app", "moved");
    }
    {
      await using registry = await theirs(data);
      const manifest = `${registry.url}/v2/team/app/manifests/${deleted.digest}`;
      await expectStatus(202, manifest, { method: "DELETE" });
    }
    await collectGarbage(program ?? "", data, "--delete-untagged");

    await using wharf = await startWharf({ data });

    expect(await notServed(wharf.url, "team/app", "kept", kept)).toEqual([]);
    expect(await notServed(wharf.url, "team/app", "moved", kept)).toEqual([]);
    expect(await tagsOf(wharf.url, "team/app")).toEqual(["kept", "moved"]);
    for (const gone of [deleted, untagged]) {
      expect((await pullManifest(wharf.url, "team/app", gone.digest)).status).toBe(404);
      const layer = `${wharf.url}/v2/team/app/blobs/${gone.blobs[1]?.descriptor.digest}`;
      expect((await fetch(layer, { method: "HEAD" })).status).toBe(404);
      expect(wharf.logs()).toContain(gone.digest);
      // What was collected can be pushed again: no answer promises bytes that are gone.
      await gone.push(wharf.url, "team/app", "again");
      expect(await notServed(wharf.url, "team/app", "again", gone)).toEqual([]);
    }
  });

  test("a repository that somebody removes from the folder is gone, and nothing else", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const [gone, inside, other] = [image(), image(), image()];
    {
      await using wharf = await startWharf({ data });
      await gone.push(wharf.url, "team/gone", "v1");
      await inside.push(wharf.url, "team", "v1");
      await other.push(wharf.url, "team/other", "v1");
    }
    await rm(join(data, "docker/registry/v2/repositories/team/gone"), { recursive: true });
    {
      await using wharf = await startWharf({ data });
      expect((await pullManifest(wharf.url, "team/gone", "v1")).status).toBe(404);
      expect(await notServed(wharf.url, "team/other", "v1", other)).toEqual([]);
      expect(await notServed(wharf.url, "team", "v1", inside)).toEqual([]);
      const { repositories } = (await (await fetch(`${wharf.url}/v2/_catalog`)).json()) as {
        repositories: string[];
      };
      expect(repositories).toEqual(["team", "team/other"]);
    }

    await using registry = await theirs(data);

    expect(await notServed(registry.url, "team/other", "v1", other)).toEqual([]);
  });
}
