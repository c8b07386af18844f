import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { gcCommand } from "../../src/cli/gc.ts";
import { expectClean } from "../support/clean.ts";
import { runCommand } from "../support/command.ts";
import { startOurs } from "../support/drop-in.ts";
import { temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { notServed, pullManifest } from "../support/pull.ts";
import { startWharf } from "../support/server.ts";

setDefaultTimeout(120_000);

const main = join(import.meta.dir, "..", "..", "bin", "registry.mjs");

test("in a stopped folder of ours, untagged manifests wait seven days; afterwards the server knows what went", async () => {
  await using folder = await temporaryFolder();
  const data = folder.at("data");
  const [first, second] = [image({ layers: 2, size: 40_000 }), image({ layers: 2, size: 40_000 })];
  {
    await using server = await startWharf({ data });
    await first.push(server.url, "team/app", "v1");
    await second.push(server.url, "team/app", "v1");
  }
  const kept = await runCommand(gcCommand, [data, "--yes"]);
  expect(kept.err.at(-1)).toBe("nothing was removed");

  const { exit, err } = await runCommand(gcCommand, [data, "--yes", "--grace", "0"]);

  expect(exit).toBe(0);
  expect(err.at(-1)).toStartWith("moved to the trash: 1 manifest, 3 layer links, 4 blobs");
  await expectClean(data);
  await using server = await startWharf({ data });
  expect(await notServed(server.url, "team/app", "v1", second)).toEqual([]);
  expect((await pullManifest(server.url, "team/app", first.digest)).status).toBe(404);
  await first.push(server.url, "team/app", "again");
  expect(await notServed(server.url, "team/app", "again", first)).toEqual([]);
  expect(server.logs()).not.toContain("another program");
});

test("beside a server of ours, garbage-collect lets that one collect", async () => {
  await using folder = await temporaryFolder();
  const config = folder.at("config.yml");
  await Bun.write(config, "version: 0.1\nstorage: { filesystem: {} }\n");
  const data = folder.at("data");
  const pushed = image();
  await using server = await startOurs({ config, data });
  await pushed.push(server.url, "team/app", "v1");

  for (const flags of [["-d"], ["-m"]]) {
    const { exitCode, stdout, stderr } = Bun.spawnSync(
      ["node", main, "garbage-collect", ...flags, config],
      { env: { ...process.env, REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: data } },
    );

    expect({ exitCode, err: exitCode === 0 ? "" : stderr.toString() }).toEqual({
      exitCode: 0,
      err: "",
    });
    expect(stdout.toString()).toContain("0 blobs and 0 manifests eligible for deletion");
  }
  expect(await notServed(server.url, "team/app", "v1", pushed)).toEqual([]);
});
