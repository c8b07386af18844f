import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { duCommand } from "../../src/cli/du.ts";
import { followed } from "../protocol/support/stored.ts";
import { runCommand } from "../support/command.ts";
import { type Folder, filesBelow, temporaryFolder } from "../support/folder.ts";
import { image, index } from "../support/image.ts";
import { type Server, startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

const du = async (...args: string[]) => await runCommand(duCommand, args);

interface Plain {
  readonly totals: { readonly bytes: number; readonly sharedBytes: number };
  readonly repositories: readonly {
    readonly name: string;
    readonly total: number;
    readonly unique: number;
    readonly entries: readonly {
      readonly kind: string;
      readonly tag: string | null;
      readonly unique: number;
    }[];
  }[];
  readonly folders: readonly { readonly path: string; readonly total: number }[];
}

const plain = async (...args: string[]): Promise<Plain> => {
  const { exit, out } = await du("--json", ...args);
  expect(exit).toBe(0);
  return JSON.parse(out.join("\n")) as Plain;
};

/** Two repositories that share an image, one of them with something untagged. */
async function filled(folder: Folder, use: (server: Server, data: string) => Promise<void>) {
  const data = folder.at("data");
  const shared = image({ layers: 2, size: 100_000 });
  await using server = await startWharf({ data });
  await shared.push(server.url, "team/app", "1", "same");
  await index([shared, image({ size: 50_000 })]).push(server.url, "team/app", "multi");
  await shared.push(server.url, "team/copy", "1");
  await image({ size: 30_000 }).push(server.url, "team/copy");
  await followed(data);
  await use(server, data);
}

async function bytesOnDisk(data: string): Promise<number> {
  const blobs = join(data, "docker/registry/v2/blobs");
  const sizes = (await filesBelow(blobs)).map(async (file) => (await stat(join(blobs, file))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

describe("wharf du", () => {
  test("counts the same of a server, of its folder, and of the tree alone: what is on the disk", async () => {
    await using folder = await temporaryFolder();
    let all: Plain[] = [];
    let data = "";
    await filled(folder, async (server, at) => {
      data = at;
      all = [await plain("--registry", server.host), await plain(at)];
    });
    all.push(await plain(data));
    await rm(join(data, "wharfinger"), { recursive: true });
    all.push(await plain(data));

    const onDisk = await bytesOnDisk(data);
    for (const { totals, repositories, folders } of all) {
      expect(totals.bytes).toBe(onDisk);
      const alone = repositories.reduce((sum, { unique }) => sum + unique, 0);
      expect(alone + totals.sharedBytes).toBe(onDisk);
      expect({ repositories, folders }).toEqual({
        repositories: all[0]!.repositories,
        folders: all[0]!.folders,
      });
    }
    const copy = all[0]!.repositories.find(({ name }) => name === "team/copy")!;
    expect(copy.entries.map(({ kind, tag, unique }) => [tag ?? kind, unique > 0])).toEqual([
      ["untagged", true],
      ["1", false],
    ]);
  });

  test("shows what frees most first, and the tags of what was asked for", async () => {
    await using folder = await temporaryFolder();
    await filled(folder, async (server) => {
      const { out, err } = await du("--registry", server.host);
      expect(out.map((line) => line.split(/\s+/)[0])).toEqual([
        "REPOSITORY",
        "team/app",
        "team/copy",
      ]);
      expect(err.join("\n")).toContain("in 2 repositories, 4 tags");

      const one = await du("--registry", server.host, "team/c*");
      expect(one.out.slice(1).map((line) => line.trim().split(/\s+/)[0])).toEqual([
        "team/copy",
        "(untagged)",
        "1",
      ]);
    });
  });

  test("shows the folders that names make", async () => {
    await using folder = await temporaryFolder();
    await filled(folder, async (_, data) => {
      const { out } = await du("--tree", data);

      expect(out.map((line) => line.trimEnd().split(/ {2,}/).at(-1))).toEqual([
        "NAME",
        "team/",
        "app",
        "copy",
      ]);
    });
  });

  test("refuses a folder that is none, and a name that could not be", async () => {
    await using folder = await temporaryFolder();
    expect((await du(folder.at("nothing"))).err.at(-1)).toContain("is no data folder");
    expect((await du("Not/A/Name")).exit).toBe(2);
  });

  test("counts what no repository has, and the trash, apart", async () => {
    await using folder = await temporaryFolder();
    await filled(folder, async (server, data) => {
      await server.stop();
      await rm(join(data, "wharfinger"), { recursive: true });
      const stray = join(data, "docker/registry/v2/blobs/sha256/ab", `ab${"0".repeat(62)}`, "data");
      await Bun.write(stray, "12345");

      expect((await plain(data)).totals).toMatchObject({ unlinked: { blobs: 1, bytes: 5 } });
    });
  });
});
