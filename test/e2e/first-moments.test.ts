import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { cp, rename, rm, writeFile } from "node:fs/promises";
import { parseName } from "../../src/oci/name.ts";
import { parseTag } from "../../src/oci/reference.ts";
import { tagCurrentLink } from "../../src/storage/tree.ts";
import { temporaryFolder } from "../support/folder.ts";
import { image, type Fixture } from "../support/image.ts";
import { catalogOf, notServed, pullManifest, tagsOf } from "../support/pull.ts";
import { expectStatus } from "../support/push.ts";
import { againstDockerRegistry, startWharf } from "../support/server.ts";
import { newTreeIn } from "../support/stored-tree.ts";

setDefaultTimeout(120_000);

const TAGS = ["v0", "v1", "v2", "v3", "v4"];

/** A folder of another registry: repositories with a tag and an image each for every name of `TAGS`. */
async function olderRegistry(data: string, count: number): Promise<Map<string, Fixture[]>> {
  const tree = newTreeIn(data);
  const all = new Map<string, Fixture[]>();
  for (let at = 0; at < count; at++) {
    const name = `team${at % 7}/app${at}`;
    const images = TAGS.map(() => image());
    for (const [n, one] of images.entries()) await tree.put(parseName(name), one, TAGS[n] ?? "");
    all.set(name, images);
  }
  return all;
}

const put = async (
  url: string,
  name: string,
  tag: string,
  { bytes, mediaType }: Fixture,
): Promise<void> =>
  void (await expectStatus(201, `${url}/v2/${name}/manifests/${tag}`, {
    method: "PUT",
    headers: { "content-type": mediaType },
    body: bytes,
  }));

describe.skipIf(againstDockerRegistry)("from the first moment after a start", () => {
  test("clients may read and change everything; no change of theirs is taken back, and none of others is missed", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const all = await olderRegistry(data, 60);
    const digestOf = async (url: string, name: string, tag: string): Promise<string | null> => {
      const { status, digest } = await pullManifest(url, name, tag);
      return status === 200 ? digest : null;
    };
    const expected = new Map<string, (string | null)[]>();
    const wrong = async (url: string): Promise<string[]> => {
      const found: string[] = [];
      for (const [name, digests] of expected) {
        for (const [n, digest] of digests.entries()) {
          const answered = await digestOf(url, name, TAGS[n] ?? "");
          if (answered !== digest) found.push(`${name}:${TAGS[n]} is ${answered}, not ${digest}`);
        }
      }
      return found;
    };
    {
      // When everything is changed at once, while the tree is read for the first time.
      await using wharf = await startWharf({ data });
      await Promise.all(
        [...all].toReversed().map(async ([name, images]) => {
          const [one, two, three, four, five] = images.map(({ digest }) => digest);
          expect(await digestOf(wharf.url, name, "v2")).toBe(three ?? "");
          if (images[3]) await put(wharf.url, name, "v0", images[3]);
          expect(await digestOf(wharf.url, name, "v0")).toBe(four ?? "");
          await expectStatus(202, `${wharf.url}/v2/${name}/manifests/v1`, { method: "DELETE" });
          expect(await tagsOf(wharf.url, name)).toEqual(["v0", "v2", "v3", "v4"]);
          expected.set(name, [four ?? "", null, three ?? "", four ?? "", five ?? ""]);
          expect(one).not.toBe(two);
        }),
      );
      expect(await catalogOf(wharf.url)).toEqual([...all.keys()].toSorted());
      expect(await wrong(wharf.url)).toEqual([]);
    }
    // When others move a tag in each meanwhile, and clients another one, right after the next start.
    for (const [name, images] of all) {
      const link = tagCurrentLink(parseName(name), parseTag("v3"));
      await writeFile(`${data}/${link}`, images[0]?.digest ?? "");
    }
    {
      await using wharf = await startWharf({ data });
      await Promise.all(
        [...all].map(async ([name, images]) => {
          if (images[1]) await put(wharf.url, name, "v4", images[1]);
          const [four, , three] = expected.get(name) ?? [];
          const [one, two] = images.map(({ digest }) => digest);
          expected.set(name, [four ?? "", null, three ?? "", one ?? "", two ?? ""]);
          expect(await digestOf(wharf.url, name, "v3")).toBe(one ?? "");
        }),
      );
      expect(await wrong(wharf.url)).toEqual([]);
      await wharf.stop("SIGKILL");
    }

    await using wharf = await startWharf({ data });

    expect(await wrong(wharf.url)).toEqual([]);
  });

  test("a stop or a kill in the middle of the first reading loses nothing", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const all = await olderRegistry(data, 60);
    for (const signal of ["SIGTERM", "SIGKILL", "SIGKILL", "SIGTERM"] as const) {
      await using wharf = await startWharf({ data });
      const ended = await wharf.stop(signal);
      if (signal === "SIGTERM") expect(ended.code).toBe(0);
    }

    await using wharf = await startWharf({ data });

    expect(await catalogOf(wharf.url)).toEqual([...all.keys()].toSorted());
    for (const [name, images] of all) {
      const last = images.at(-1);
      if (last) expect(await notServed(wharf.url, name, "v4", last)).toEqual([]);
    }
  });
});

describe.skipIf(againstDockerRegistry)("a tree that was exchanged while we were stopped", () => {
  test("for an older backup is served as it is, and the log says what it lacks", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const [old, young] = [image(), image()];
    {
      await using wharf = await startWharf({ data });
      await old.push(wharf.url, "team/app", "latest", "old");
    }
    await cp(folder.at("data", "docker"), folder.at("backup"), {
      recursive: true,
      preserveTimestamps: true,
    });
    {
      await using wharf = await startWharf({ data });
      await young.push(wharf.url, "team/app", "latest", "young");
      await young.push(wharf.url, "team/new", "v1");
    }
    await rm(folder.at("data", "docker"), { recursive: true });
    await rename(folder.at("backup"), folder.at("data", "docker"));

    await using wharf = await startWharf({ data });

    expect(await tagsOf(wharf.url, "team/app")).toEqual(["latest", "old"]);
    expect(await notServed(wharf.url, "team/app", "latest", old)).toEqual([]);
    expect((await pullManifest(wharf.url, "team/new", "v1")).status).toBe(404);
    expect(await catalogOf(wharf.url)).toEqual(["team/app"]);
    const logged = wharf.logs();
    expect(logged).toContain(`latest: ${young.digest} to ${old.digest}`);
    expect(logged).toContain(`young: ${young.digest}`);
    expect(logged).toContain(`"repository":"team/new"`);
    // What is lost can be pushed again, and is whole.
    await young.push(wharf.url, "team/new", "v1");
    expect(await notServed(wharf.url, "team/new", "v1", young)).toEqual([]);
  });

  test("for nothing, as when its disk is not mounted, takes nothing away, and is whole when it is back", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const pushed = image({ size: 100_000 });
    {
      await using wharf = await startWharf({ data });
      await pushed.push(wharf.url, "team/app", "v1");
    }
    await rename(folder.at("data", "docker"), folder.at("elsewhere"));
    {
      await using wharf = await startWharf({ data });
      expect(await catalogOf(wharf.url)).toEqual(["team/app"]);
      expect((await pullManifest(wharf.url, "team/app", "v1")).digest).toBe(pushed.digest);
      const layer = `${wharf.url}/v2/team/app/blobs/${pushed.blobs[1]?.descriptor.digest}`;
      expect((await fetch(layer)).status).toBe(500);
      expect(wharf.logs()).toContain("there is no such folder, but repositories are known");
    }
    await rename(folder.at("elsewhere"), folder.at("data", "docker"));

    await using wharf = await startWharf({ data });

    expect(await notServed(wharf.url, "team/app", "v1", pushed)).toEqual([]);
  });
});
