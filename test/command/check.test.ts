import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Database } from "bun:sqlite";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkCommand } from "../../src/cli/check.ts";
import { parseDigest } from "../../src/oci/digest.ts";
import { blobPath } from "../../src/storage/tree.ts";
import { followed } from "../protocol/support/stored.ts";
import { expectClean, expectCleanServer } from "../support/clean.ts";
import { runCommand } from "../support/command.ts";
import { type Folder, filesBelow, temporaryFolder } from "../support/folder.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { type Server, startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

/** A registry with an image, an index and something untagged; `use` gets it while it runs. */
async function filled(folder: Folder, use: (server: Server, one: Fixture) => Promise<void>) {
  const data = folder.at("data");
  const one = image({ layers: 2, size: 50_000 });
  await using server = await startWharf({ data });
  await one.push(server.url, "team/app", "1", "latest");
  await index([one, image()]).push(server.url, "team/app", "multi");
  await image().push(server.url, "team/other");
  await use(server, one);
}

const blobFile = (data: string, fixture: Fixture, at: number): string =>
  join(data, blobPath(parseDigest(fixture.blobs[at]!.descriptor.digest)));

const check = async (...args: string[]) => await runCommand(checkCommand, args);

describe("wharf check", () => {
  test("of a server that runs asks it, also when it is given the folder", async () => {
    await using folder = await temporaryFolder();
    await filled(folder, async (server) => {
      for (const args of [["--registry", server.host], [folder.at("data")]]) {
        const { exit, out, err } = await check(...args, "--verify-bytes");

        expect([exit, out]).toEqual([0, []]);
        expect(err.join()).toMatch(/^checked 2 repositories, 3 tags, 4 manifests, .* read/);
      }
      await expectCleanServer(server.url);
    });
  });

  test("ends while clients push without a pause, and takes nothing that is half seen for damage", async () => {
    await using folder = await temporaryFolder();
    await filled(folder, async (server) => {
      let over = false;
      let pushed = 0;
      const push = async (): Promise<void> => {
        while (!over) {
          const repository = pushed % 3 === 0 ? "team/app" : `ci/${pushed}`;
          await image().push(server.url, repository, `t${pushed++}`);
        }
      };
      const pushing = [push(), push(), push()];
      for (let round = 0; round < 3; round++) {
        const before = pushed;
        const { exit, out } = await check("--registry", server.host);
        expect([exit, out]).toEqual([0, []]);
        // Otherwise this would show nothing.
        while (pushed === before) await Bun.sleep(5);
      }
      over = true;
      await Promise.all(pushing);
    });
  });

  test("finds right after a push what is not followed yet in order, again and again", async () => {
    await using folder = await temporaryFolder();
    await filled(folder, async (server) => {
      for (let round = 0; round < 5; round++) {
        await image().push(server.url, `team/new${round}`, "1");
        expect((await check("--registry", server.host)).exit).toBe(0);
      }
    });
  });

  test("of a stopped folder works on it directly, and changes nothing", async () => {
    await using folder = await temporaryFolder();
    await filled(folder, async () => {});
    const data = folder.at("data");
    const contents = async () => {
      const files = (await filesBelow(data)).filter((file) => !/sqlite-(wal|shm)$/.test(file));
      return await Promise.all(
        files.map(async (file) => [file, Bun.hash(await readFile(join(data, file)))]),
      );
    };
    const before = await contents();

    const { exit, out, err } = await check(data, "--verify-bytes");

    expect([exit, out]).toEqual([0, []]);
    expect(err).toEqual([expect.stringMatching(/^checked 2 repositories/)]);
    expect(await contents()).toEqual(before);
    await expectClean(data);
  });

  test.each(["running", "stopped"])(
    "of a %s registry names what is damaged, with exit code 6",
    async (state) => {
      await using folder = await temporaryFolder();
      const data = folder.at("data");
      let found: Awaited<ReturnType<typeof check>> | undefined;
      let damaged: Fixture | undefined;
      const damage = async (one: Fixture): Promise<void> => {
        damaged = one;
        await rm(blobFile(data, one, 1));
        const bytes = await readFile(blobFile(data, one, 2));
        bytes[100]! ^= 1;
        await writeFile(blobFile(data, one, 2), bytes);
      };
      await filled(folder, async (_server, one) => {
        await followed(data);
        await damage(one);
        if (state === "running") found = await check(data, "--json", "--verify-bytes");
      });
      found ??= await check(data, "--json", "--verify-bytes");

      const { schemaVersion, clean, broken, tree, unused } = JSON.parse(found.out.join("\n"));
      expect(found.exit).toBe(6);
      expect(found.err.at(-1)).toBe("damage was found: 3 broken images");
      expect({ schemaVersion, clean, tree, unused }).toEqual({
        schemaVersion: 1,
        clean: false,
        tree: [],
        unused: [],
      });
      const told = broken.map(({ digest, images }: { digest: string; images: string[] }) =>
        [digest, ...images.toSorted()].join(" "),
      );
      const layers = damaged!.blobs.slice(1).map(({ descriptor }) => descriptor.digest);
      expect(told.toSorted()).toEqual(
        layers.map((digest) => `${digest} team/app:1 team/app:latest team/app:multi`).toSorted(),
      );
    },
  );

  test("prints a line for each image that is broken", async () => {
    await using folder = await temporaryFolder();
    let layer = "";
    await filled(folder, async (_, one) => {
      layer = one.blobs[1]!.descriptor.digest.slice(7, 19);
      await rm(blobFile(folder.at("data"), one, 1));
    });

    const { exit, out } = await check(folder.at("data"));

    expect(exit).toBe(6);
    expect(out[0]).toBe("Broken images:");
    for (const tag of ["1", "latest", "multi"]) {
      expect(out.join("\n")).toMatch(
        new RegExp(`^  team/app:${tag} +${layer} +its bytes are missing$`, "m"),
      );
    }
  });

  test("after kill -9 finds no damage, and says what the next start will bring", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await filled(folder, async (server) => {
      for (let round = 0; round < 20; round++)
        await image().push(server.url, "team/app", `r${round}`);
      await server.stop("SIGKILL");
    });
    const db = new Database(join(data, "wharfinger", "metadata.sqlite"));
    const { waiting } = db.query("SELECT count(*) AS waiting FROM journal").get() as {
      waiting: number;
    };
    db.close();

    const { exit, err } = await check(data, "--verify-bytes");

    expect(exit).toBe(0);
    expect(err.some((line) => line.includes("after a crash the tree lacks"))).toBe(waiting > 0);
    await (await startWharf({ data })).stop();
    await expectClean(data);
  });

  test("reads a folder that no registry of ours has opened, and leaves nothing in it", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await filled(folder, async () => {});
    await rm(join(data, "wharfinger"), { recursive: true });
    const before = await filesBelow(data);

    const { exit, err } = await check(data, "--verify-bytes");

    expect([exit, err[0]]).toEqual([0, expect.stringContaining("as the tree has it")]);
    expect(await filesBelow(data)).toEqual(before);
  });

  test("refuses a folder that is none, and a registry that is none of ours", async () => {
    await using folder = await temporaryFolder();
    const nothing = await check(folder.path);
    expect([nothing.exit, nothing.err.at(-1)]).toEqual([
      1,
      expect.stringContaining("is no data folder of a registry"),
    ]);

    using other = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response("<html>"),
    });
    const foreign = await check("--registry", `127.0.0.1:${other.port}`);
    expect([foreign.exit, foreign.err.at(-1)]).toEqual([
      1,
      expect.stringContaining("is not a Wharfinger"),
    ]);
  });
});
