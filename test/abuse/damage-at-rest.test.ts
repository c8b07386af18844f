import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDigest } from "../../src/oci/digest.ts";
import { blobPath } from "../../src/storage/tree.ts";
import { pushBytes } from "../protocol/support/content.ts";
import { expectAlive } from "../protocol/support/refused.ts";
import { type TestRegistry, startRegistry } from "../protocol/support/registry.ts";
import { followed } from "../protocol/support/stored.ts";
import { checkFolder, expectClean } from "../support/clean.ts";
import { filesBelow, temporaryFolder } from "../support/folder.ts";
import { type Fixture, image } from "../support/image.ts";
import { notServed } from "../support/pull.ts";
import { startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

const NAME = "damaged/app";

async function stored(registry: TestRegistry) {
  const made = image({ size: 200_000 });
  const other = image();
  await made.push(registry.url, NAME, "v1");
  await other.push(registry.url, NAME, "other");
  await followed(registry.data);
  const layer = made.blobs[1]!;
  return {
    made,
    other,
    layer,
    file: join(registry.data, blobPath(parseDigest(layer.descriptor.digest))),
    path: `/v2/${NAME}/blobs/${layer.descriptor.digest}`,
  };
}

describe("the file of a layer", () => {
  const losses: readonly [what: string, damage: (file: string) => Promise<void>][] = [
    ["was removed", async (file) => await rm(file)],
    ["was cut off", async (file) => await truncate(file, 1000)],
    ["became longer", async (file) => await writeFile(file, new Uint8Array(300_000))],
    ["is empty", async (file) => await truncate(file, 0)],
    [
      "became a folder",
      async (file) => {
        await rm(file);
        await mkdir(join(file, "inside"), { recursive: true });
      },
    ],
  ];
  for (const [what, damage] of losses) {
    test(`${what}: no pull ends as if it were whole, and the rest is served`, async () => {
      await using registry = await startRegistry();
      const { made, other, layer, file, path } = await stored(registry);
      await damage(file);

      const get = await registry.ask("GET", path);
      const part = await registry.ask("GET", path, { headers: { range: "bytes=0-9" } });
      const head = await registry.ask("HEAD", path);

      expect([get.status, get.errors[0]?.code]).toEqual([500, "UNKNOWN"]);
      expect(part.status).toBe(500);
      // Whoever would push it is told that it is not there, and heals it.
      expect(head.status).toBe(404);
      expect(await notServed(registry.url, NAME, "other", other)).toEqual([]);
      await expectAlive(registry);
      if (what === "became a folder") return;
      expect((await pushBytes(registry.url, NAME, layer.bytes)).status).toBe(201);
      expect(await notServed(registry.url, NAME, "v1", made)).toEqual([]);
    });
  }

  test("has one other bit: a check that reads every byte finds it, and another push heals it", async () => {
    await using registry = await startRegistry();
    const { layer, file, made } = await stored(registry);
    const bytes = await readFile(file);
    bytes[100_000]! ^= 1;
    await writeFile(file, bytes);

    const found = await registry.ask("GET", "/api/v1/check?verifyBytes=true");

    expect(found.text).toContain("its bytes are not those of its digest");
    expect(found.text).toContain(layer.descriptor.digest);
    expect(found.text).toContain(`"images":["${NAME}:v1"]`);
    await pushBytes(registry.url, NAME, layer.bytes);
    expect(await notServed(registry.url, NAME, "v1", made)).toEqual([]);
    const healed = await registry.ask("GET", "/api/v1/check?verifyBytes=true");
    expect(healed.text).not.toContain("finding");
  });
});

describe("a start", () => {
  /** A data folder that was stopped as it should be, with one image. */
  async function filled(data: string): Promise<Fixture> {
    const made = image({ layers: 2, size: 50_000 });
    await using server = await startWharf({ data });
    await made.push(server.url, NAME, "v1");
    return made;
  }

  test("with thousands of files of uploads that nobody can name any more removes them", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const made = await filled(data);
    const uploads = join(data, "wharfinger", "uploads");
    await mkdir(uploads, { recursive: true });
    for (let at = 0; at < 3000; at++) await writeFile(join(uploads, `tmp${at}`), "x");

    await using server = await startWharf({ data });

    expect(await filesBelow(uploads)).toEqual([]);
    expect(await notServed(server.url, NAME, "v1", made)).toEqual([]);
    await server.stop();
    await expectClean(data);
  });

  test("with foreign files and folders everywhere serves what is there", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const made = await filled(data);
    const tree = join(data, "docker", "registry", "v2");
    for (const place of ["", "blobs", "blobs/sha256", "repositories", `repositories/${NAME}`]) {
      await writeFile(join(tree, place, ".DS_Store"), "x");
      await mkdir(join(tree, place, "lost+found"), { recursive: true });
    }

    await using server = await startWharf({ data });

    expect(await notServed(server.url, NAME, "v1", made)).toEqual([]);
    await made.push(server.url, NAME, "v2");
    await server.stop();
    const { findings } = await checkFolder(data);
    // What is no repository is said, and breaks nothing.
    expect(findings.filter(({ kind }) => kind !== "tree")).toEqual([]);
  });

  test("with a database that is cut off or garbage serves nothing wrong, and keeps the tree", async () => {
    for (const spoil of [
      async (file: string) => await truncate(file, 5000),
      async (file: string) => await writeFile(file, new Uint8Array(50_000).fill(7)),
    ]) {
      await using folder = await temporaryFolder();
      const data = folder.at("data");
      const made = await filled(data);
      const before = await filesBelow(join(data, "docker"));
      await spoil(join(data, "wharfinger", "metadata.sqlite"));

      const started = await startWharf({ data }).catch((error: unknown) => error as Error);

      if (started instanceof Error) {
        expect(started.message).toContain("metadata.sqlite");
      } else {
        const wrong = await notServed(started.url, NAME, "v1", made);
        await started.stop();
        // It may know nothing or refuse, but not serve something else.
        for (const line of wrong) expect(line).toMatch(/ (?:404|5\d\d) /);
      }
      expect(await filesBelow(join(data, "docker"))).toEqual(before);
      // What the documentation says to do: without our part the tree is read again.
      await rm(join(data, "wharfinger"), { recursive: true });
      await using server = await startWharf({ data });
      expect(await notServed(server.url, NAME, "v1", made)).toEqual([]);
      await server.stop();
      await expectClean(data);
    }
  });

  test("with a database whose log was lost, as by a copy without it, is noticed by a check", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await filled(data);
    const later = image();
    {
      await using server = await startWharf({ data });
      await later.push(server.url, NAME, "later");
      await followed(data);
      await server.stop("SIGKILL");
    }
    for (const end of ["-wal", "-shm"]) {
      await rm(join(data, "wharfinger", `metadata.sqlite${end}`), { force: true });
    }

    const { findings } = await checkFolder(data);

    expect(findings.length).toBeGreaterThan(0);
    expect(JSON.stringify(findings)).toContain(`${NAME}:later`);
  });
});
