import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { gcCommand } from "../../src/cli/gc.ts";
import { registryCommand } from "../../src/cli/registry.ts";
import { parseName } from "../../src/oci/name.ts";
import { age } from "../support/aged.ts";
import { expectClean } from "../support/clean.ts";
import { runCommand } from "../support/command.ts";
import { startOurs } from "../support/drop-in.ts";
import { type Folder, filesBelow, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { notServed, pullManifest } from "../support/pull.ts";
import { startWharf } from "../support/server.ts";
import { newTreeIn } from "../support/stored-tree.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

setDefaultTimeout(120_000);

const app = parseName("team/app");
const registry = (terminal: Terminal) => registryCommand(terminal, "0");

async function treeOf(data: string): Promise<string[]> {
  const files = await filesBelow(data);
  return files.filter((path) => !path.startsWith("wharfinger/")).toSorted();
}

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

/** A folder that another registry had filled, with an untagged image; a server of ours has taken it over. */
async function takenOver(folder: Folder, kind: "wharf" | "distribution") {
  const data = folder.at("data");
  const config = folder.at("config.yml");
  const text = `version: 0.1\nstorage: { filesystem: { rootdirectory: ${data} } }\nhttp: { addr: "127.0.0.1:0" }\n`;
  await Bun.write(config, text);
  const tree = newTreeIn(data);
  const [live, dead] = [image({ layers: 2 }), image({ layers: 2 })];
  await tree.put(app, live, "v1");
  await tree.put(app, dead);
  await age(data);
  if (kind === "wharf") await (await startWharf({ data })).stop();
  else await (await startOurs({ config, data })).stop();
  return { data, config, live, dead };
}

test.each(["wharf", "distribution"] as const)(
  "in a stopped folder that was taken over (%s), garbage-collect leaves what waits for the owner, and wharf gc is his yes",
  async (kind) => {
    await using folder = await temporaryFolder();
    const { data, config } = await takenOver(folder, kind);
    const before = await treeOf(data);

    for (const flags of [["-d", "-m"], ["-m"]]) {
      const { exit, out, err } = await runCommand(registry, ["garbage-collect", ...flags, config]);

      expect(exit).toBe(0);
      expect(out.join("\n")).toContain("0 blobs and 0 manifests eligible for deletion");
      expect(err.join("\n")).toMatch(
        /B of garbage \(1 manifest, 4 blobs\) wait for their owner's yes: `wharf gc .*data` shows/,
      );
      expect(await treeOf(data)).toEqual(before);
    }
    const said = await runCommand(gcCommand, [data, "--yes"]);
    expect(said.err.at(-1)).toStartWith("moved to the trash: 1 manifest, 3 layer links, 4 blobs");
    const again = await runCommand(registry, ["garbage-collect", "-m", config]);
    expect(again.err.join("\n")).not.toContain("wait");
  },
);

test("in a stopped folder of ours, what its settings protect stays", async () => {
  await using folder = await temporaryFolder();
  const data = folder.at("data");
  const [first, second] = [image({ layers: 2 }), image({ layers: 2 })];
  const config = folder.at("wharf.yaml");
  await Bun.write(config, `gc: { protected: ["${first.digest}"] }\n`);
  {
    await using server = await startWharf({ data, args: [config] });
    await first.push(server.url, "team/app", "v1");
    await second.push(server.url, "team/app", "v1");
  }

  const { err } = await runCommand(gcCommand, [data, "--yes", "--grace", "0"]);

  expect(err.at(-1)).toBe("nothing was removed");
  await using server = await startWharf({ data, args: [config] });
  expect((await pullManifest(server.url, "team/app", first.digest)).status).toBe(200);
});

test("what a server was told that was killed before it had read the whole tree is not lost", async () => {
  await using folder = await temporaryFolder();
  const data = folder.at("data");
  const pushed = image({ layers: 2, size: 40_000 });
  {
    await using server = await startWharf({ data });
    await pushed.push(server.url, "team/app", "v1");
    process.kill(server.pid, "SIGKILL");
  }
  const database = new Database(join(data, "wharfinger", "metadata.sqlite"));
  database.run("DELETE FROM settings WHERE key = 'tree-read'");
  expect(database.query("SELECT 1 FROM journal").all().length).toBeGreaterThan(0);
  database.close();

  expect((await runCommand(gcCommand, [data, "--yes", "--grace", "0"])).exit).toBe(0);

  await using server = await startWharf({ data });
  expect(await notServed(server.url, "team/app", "v1", pushed)).toEqual([]);
});

test("what was removed from another registry's folder comes back through a server of ours that opens it later", async () => {
  await using folder = await temporaryFolder();
  const data = folder.at("data");
  const tree = newTreeIn(data);
  const [live, dead] = [image({ layers: 2 }), image({ layers: 2 })];
  await tree.put(app, live, "v1");
  await tree.put(app, dead);
  await age(data);
  expect((await runCommand(gcCommand, [data, "--yes"])).exit).toBe(0);

  await using server = await startWharf({ data });
  expect(await notServed(server.url, "team/app", "v1", live)).toEqual([]);
  expect((await pullManifest(server.url, "team/app", dead.digest)).status).toBe(404);
  const answer = await fetch(`${server.url}/api/v1/trash/restore`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ names: [`team/app@${dead.digest}`] }),
  });

  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining("restored")]);
  expect((await pullManifest(server.url, "team/app", dead.digest)).status).toBe(200);
  for (const { descriptor } of dead.blobs) {
    const { status } = await fetch(`${server.url}/v2/team/app/blobs/${descriptor.digest}`);
    expect(status).toBe(200);
  }
});
