import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cp, mkdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { digestOf } from "../support/oci.ts";
import { notServed } from "../support/pull.ts";
import { pushBlob } from "../support/push.ts";
import { type Server, startWharf } from "../support/server.ts";
import { inTree } from "../support/tree.ts";

setDefaultTimeout(60_000);

const LARGE = 40_000;

describe("a blob whose file was damaged behind our back", () => {
  let folder: Folder;
  let wharf: Server;

  beforeAll(async () => {
    folder = await temporaryFolder();
    wharf = await startWharf({ data: folder.at("data") });
  });

  afterAll(async () => {
    await wharf.stop();
    await folder[Symbol.asyncDispose]();
  });

  const damages: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
    truncated: (path) => truncate(path, 1000),
    emptied: (path) => writeFile(path, ""),
    lengthened: async (path) =>
      writeFile(path, Buffer.concat([await readFile(path), Buffer.alloc(9)])),
    deleted: (path) => rm(path),
    "replaced by a folder": async (path) => {
      await rm(path);
      await mkdir(path);
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    test(`and ${name} is an error, not other bytes with a 200; the next push heals it`, async () => {
      const one = image({ layers: 1, size: LARGE });
      await one.push(wharf.url, "team/app", "v1");
      const layer = one.blobs[1];
      if (!layer) throw new Error("the image has no layer");
      const { digest } = layer.descriptor;
      await damage(inTree(folder.at("data")).blob(digest));

      const address = `${wharf.url}/v2/team/app/blobs/${digest}`;
      expect((await fetch(address)).status).toBe(500);
      // To a client that would skip its upload it is not there.
      expect((await fetch(address, { method: "HEAD" })).status).toBe(404);
      expect((await fetch(address, { headers: { range: "bytes=0-9" } })).status).toBe(500);

      if (name === "replaced by a folder")
        await rm(inTree(folder.at("data")).blob(digest), { recursive: true });
      await pushBlob(layer, wharf.url, "team/app");
      expect(await notServed(wharf.url, "team/app", "v1", one)).toEqual([]);
    });
  }

  test("by a flipped bit is sent as it is, under the digest that every client checks", async () => {
    const one = image({ layers: 1, size: LARGE });
    await one.push(wharf.url, "team/app", "v1");
    const digest = one.blobs[1]?.descriptor.digest ?? "";
    const path = inTree(folder.at("data")).blob(digest);
    const bytes = await readFile(path);
    bytes[LARGE / 2] = (bytes[LARGE / 2] ?? 0) ^ 1;
    await writeFile(path, bytes);

    const response = await fetch(`${wharf.url}/v2/team/app/blobs/${digest}`);
    expect(response.headers.get("docker-content-digest")).toBe(digest);
    expect(digestOf(await response.bytes())).not.toBe(digest);
  });
});

describe("a database that is not what it was", () => {
  /** A data folder with an image, after a clean stop. */
  let kept: Folder;
  const one = image({ layers: 1, size: LARGE });

  beforeAll(async () => {
    kept = await temporaryFolder();
    await using wharf = await startWharf({ data: kept.at("data") });
    await one.push(wharf.url, "team/app", "v1");
  });

  afterAll(() => kept[Symbol.asyncDispose]());

  async function copyOf(folder: Folder): Promise<{ data: string; file: string }> {
    const data = folder.at("data");
    await cp(kept.at("data"), data, { recursive: true });
    return { data, file: join(data, "wharfinger", "metadata.sqlite") };
  }

  async function refusalToStart(data: string): Promise<string> {
    return await startWharf({ data }).then(
      async (server: Server) => {
        await server.stop();
        return "it started";
      },
      (error: unknown) => (error as Error).message,
    );
  }

  const broken: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
    "that is cut off": async (file) => truncate(file, Math.floor((await stat(file)).size / 2)),
    "of which only some bytes are left": (file) => truncate(file, 50),
    "that is no database": (file) => writeFile(file, "these are notes".repeat(1000)),
    "of a newer version": async (file) => {
      const bytes = await readFile(file);
      // `user_version`, as SQLite's file format has it.
      bytes.writeUInt32BE(99, 60);
      await writeFile(file, bytes);
    },
  };
  for (const [name, damage] of Object.entries(broken)) {
    test(`${name} is refused at the start, and nothing is changed`, async () => {
      await using folder = await temporaryFolder();
      const { data, file } = await copyOf(folder);
      await damage(file);
      const before = digestOf(await readFile(file));

      expect(await refusalToStart(data)).toContain("the data folder cannot be used");
      expect(digestOf(await readFile(file))).toBe(before);
    });
  }

  test("and that is put back from a copy of the whole folder, serves all", async () => {
    await using folder = await temporaryFolder();
    const { data, file } = await copyOf(folder);
    await rm(file);
    await cp(kept.at("data", "wharfinger", "metadata.sqlite"), file);
    await using wharf = await startWharf({ data });
    expect(await notServed(wharf.url, "team/app", "v1", one)).toEqual([]);
  });

  test("removed with all that is ours, it is made anew from the tree", async () => {
    await using folder = await temporaryFolder();
    const { data } = await copyOf(folder);
    await rm(join(data, "wharfinger"), { recursive: true });
    await using wharf = await startWharf({ data });
    expect(await notServed(wharf.url, "team/app", "v1", one)).toEqual([]);
  });
});
