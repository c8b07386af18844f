import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { parse } from "yaml";
import { runCommand, type Person } from "../../test/support/command.ts";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { configCommand } from "./config.ts";

async function check(text: string, args: readonly string[] = [], person: Person = {}) {
  await using folder: Folder = await temporaryFolder();
  const file = folder.at("config.yml");
  await Bun.write(file, text);
  const ran = await runCommand(configCommand, ["check", ...args, file], person);
  return { ...ran, file };
}

describe("wharf config check", () => {
  test("prints what would be in force, as a wharf.yaml", async () => {
    const { exit, out, err } = await check("data: /x\nlog: { level: warn }", [], {
      environment: { WHARF_DELETE: "false" },
    });

    expect({ exit, err }).toEqual({ exit: 0, err: [] });
    expect(out[0]).toStartWith("# What would be in force with ");
    expect(parse(out.join("\n"))).toMatchObject({
      data: "/x",
      delete: false,
      listen: "127.0.0.1:5000",
      log: { level: "warn", format: "auto" },
    });
  });

  test("without a file says what is in force without one", async () => {
    const { exit, out } = await runCommand(configCommand, ["check"]);

    expect(exit).toBe(0);
    expect(parse(out.join("\n"))).toMatchObject({ data: "./data" });
  });

  test("turns a configuration of the distribution registry into one of ours, with its warnings", async () => {
    const text =
      "version: 0.1\nstorage: { filesystem: {}, cache: {blobdescriptor: inmemory} }\nwharehouse: 1";
    const { exit, out, err, file } = await check(text, [], {
      environment: { REGISTRY_HTTP_ADDR: ":7" },
    });

    expect(exit).toBe(0);
    expect(parse(out.join("\n"))).toMatchObject({ listen: ":7", auth: "none", delete: false });
    expect(err).toEqual([
      `warning: ${file}: these settings have no effect here: wharehouse`,
      expect.stringContaining("there is no auth: anyone who reaches port 7 on this machine"),
      "not needed here: storage.cache",
    ]);
  });

  test("ends with 2 when something is wrong, and says all of it", async () => {
    const { exit, out, err } = await check("lisen: :1\ndelete: maybe");

    expect({ exit, out }).toEqual({ exit: 2, out: [] });
    expect(err.at(-1)).toContain("unknown setting lisen (did you mean listen?)");
    expect(err.at(-1)).toContain("delete: ");
  });

  test("with --json is one document", async () => {
    const { out, file } = await check("data: /x", ["--json"]);

    expect(JSON.parse(out.join("\n"))).toMatchObject({
      schemaVersion: 1,
      file,
      kind: "wharf",
      settings: { data: "/x" },
      warnings: [],
      needless: [],
    });
  });

  test("with --quiet says nothing when all is well", async () => {
    expect(await check("data: /x", ["-q"])).toMatchObject({ exit: 0, out: [], err: [] });
    expect(await check("data: 5", ["-q"])).toMatchObject({ exit: 2 });
  });

  test("takes the file with --config too", async () => {
    const config = join(import.meta.dir, "..", "..", "test/fixtures/legacy/registry-gc/config.yml");
    const { exit, out } = await runCommand(configCommand, ["check", "-c", config, "--json"]);

    expect(exit).toBe(0);
    expect(JSON.parse(out.join("\n"))).toMatchObject({ file: config, kind: "distribution" });
  });

  test.each([
    [
      "notifications: { endpoints: [{ name: a, url: 'https://x/${S}', headers: { A: ['${S}'] } }] }",
    ],
    ["log: { fields: { a: 'x ${S} y' } }"],
    ["notifications: { endpoints: [{ name: a, url: '${S}' }] }"],
  ])("shows no secret: %s", async (text) => {
    for (const args of [[], ["--json"]]) {
      const { out, err } = await check(text, args, { environment: { S: "canary-5e" } });

      expect([...out, ...err].join("\n")).not.toContain("canary");
    }
  });
});
