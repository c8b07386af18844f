import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFile, rename, rm, stat, truncate } from "node:fs/promises";
import { followed } from "../protocol/support/stored.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { image, type Fixture } from "../support/image.ts";
import { catalogOf, notServed } from "../support/pull.ts";
import { againstDockerRegistry, startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

/** A data folder that a kill has left, with a log of the database that was not taken up; the tree has all. */
async function killed(folder: Folder, name: string): Promise<{ data: string; images: Fixture[] }> {
  const data = folder.at(name);
  const images = Array.from({ length: 20 }, () => image());
  await using wharf = await startWharf({ data });
  for (const [at, one] of images.entries()) await one.push(wharf.url, `${name}/r${at}`, "v1");
  await followed(data);
  await wharf.stop("SIGKILL");
  expect((await stat(`${data}/wharfinger/metadata.sqlite-wal`)).size).toBeGreaterThan(0);
  return { data, images };
}

async function expectAll(url: string, name: string, images: readonly Fixture[]): Promise<void> {
  expect(await catalogOf(url)).toEqual(images.map((_, at) => `${name}/r${at}`).toSorted());
  for (const [at, one] of images.entries()) {
    expect(await notServed(url, `${name}/r${at}`, "v1", one)).toEqual([]);
  }
}

/** How starting on the folder fails. */
async function refusal(data: string): Promise<string> {
  return await startWharf({ data }).then(
    async (wharf) => {
      await wharf.stop();
      return "it was opened";
    },
    (error: unknown) => String(error),
  );
}

describe.skipIf(againstDockerRegistry)("a data folder", () => {
  test("whose database was copied without its log is served from what the tree has", async () => {
    await using folder = await temporaryFolder();
    const { data, images } = await killed(folder, "a");
    for (const end of ["-wal", "-shm"]) await rm(`${data}/wharfinger/metadata.sqlite${end}`);
    await using wharf = await startWharf({ data });
    await expectAll(wharf.url, "a", images);
  });

  test("whose database was cut short is refused, and served from the tree when the database is away", async () => {
    await using folder = await temporaryFolder();
    const { data, images } = await killed(folder, "a");
    {
      // A regular stop brings the log into the file.
      await using wharf = await startWharf({ data });
      await expectAll(wharf.url, "a", images);
    }
    const database = `${data}/wharfinger/metadata.sqlite`;
    const { size } = await stat(database);
    await truncate(database, Math.floor(size / 2 / 4096) * 4096);

    const said = await refusal(data);

    expect(said).toContain("metadata.sqlite");
    expect(said).toMatch(/malformed/);
    expect(said).toMatch(/move it away/);
    expect((await stat(database)).size).toBeLessThan(size);
    await rename(database, folder.at("away"));
    await using wharf = await startWharf({ data });
    await expectAll(wharf.url, "a", images);
  });

  test("with the database log of another never serves what is not its own", async () => {
    await using folder = await temporaryFolder();
    const { data, images } = await killed(folder, "a");
    const other = await killed(folder, "b");
    const log = "wharfinger/metadata.sqlite-wal";
    await copyFile(`${other.data}/${log}`, `${data}/${log}`);
    await rm(`${data}/wharfinger/metadata.sqlite-shm`);

    const started = await startWharf({ data }).catch((error: unknown) => String(error));

    if (typeof started === "string") expect(started).toMatch(/malformed/);
    else {
      await using wharf = started;
      await expectAll(wharf.url, "a", images);
    }
  });
});
