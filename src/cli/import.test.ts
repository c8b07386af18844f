import { describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Ran, runCommand } from "../../test/support/command.ts";
import { temporaryFolder } from "../../test/support/folder.ts";
import { legacyFile, read, taken } from "../../test/support/legacy-config.ts";
import { readConfig } from "../config/load.ts";
import { importCommand } from "./import.ts";

async function imported(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return await runCommand(importCommand, args, { environment });
}

const FILES = [
  ["registry-gc/compose.yml", "registry-gc", { REGISTRY_PASS: "password" }, ["password"]],
  ["cleanup-script/config.json", "cleanup-script", { REGISTRY_PASSWORD: "somepass" }, ["somepass"]],
  [
    "registry-manager/config.yml",
    "registry-manager",
    { HARBOR_PASSWORD: "harbor12345", ALIYUN_PASSWORD: "harbor12345" },
    ["harbor12345"],
  ],
  [
    "manifest-cleanup/env",
    "manifest-cleanup",
    { REGISTRY_PASSWORD: "sickpassword" },
    ["sickpassword"],
  ],
] as const;

describe("wharf import", () => {
  test.each(FILES)(
    "makes a wharf.yaml of %s that means the same, and has no secrets",
    async (path, tool, environment, secrets) => {
      await using folder = await temporaryFolder();
      const output = join(folder.path, "wharf.yaml");

      const ran = await imported([legacyFile(path), "-o", output]);

      expect(ran).toMatchObject({ exit: 0, out: [] });
      const text = await Bun.file(output).text();
      for (const secret of secrets) expect(text).not.toMatch(new RegExp(`: ${secret}$`, "m"));
      expect(text.replaceAll("\n# ", " ")).toContain(`the configuration of ${tool}.`);
      for (const name of Object.keys(environment)) expect(text).toContain(`password: \${${name}}`);
      const loaded = readConfig({ file: output, environment, flags: {} });
      expect(loaded.config).toEqual(taken(read(legacyFile(path))));
    },
  );

  test("puts what changed, and why, next to the setting", async () => {
    const text = (await imported([legacyFile("cleanup-script/config.json")])).out.join("\n");

    expect(text).toMatch(
      /# cleanup: the script skips these names[^\n]*\n\s+- tags:\n\s+- buildcache/,
    );
    expect(text).toMatch(/# paths\.host_storage: [^]*docker-exec[^]*\n\s+collect:\n\s+with: tree/);
  });

  test("keeps the sync policy, as a comment", async () => {
    const text = (await imported([legacyFile("registry-manager/config.yml")])).out.join("\n");

    expect(text).toMatch(/# sync-policy:\n#\s+from: harbor\n#\s+to: aliyun/);
  });

  test("says the same every time, and replaces no file that says something else", async () => {
    await using folder = await temporaryFolder();
    const output = join(folder.path, "wharf.yaml");
    const args = [legacyFile("cleanup-script/config.json"), "-o", output];

    await imported(args);
    const first = await Bun.file(output).text();
    expect((await imported(args)).err).toEqual([`${output} says this already`]);
    expect(await Bun.file(output).text()).toBe(first);

    await Bun.write(output, "listen: :1\n");
    expect(await imported(args)).toMatchObject({ exit: 5 });
    expect(await Bun.file(output).text()).toBe("listen: :1\n");
  });

  test("takes the variables that are set where it runs", async () => {
    const variables = {
      REGISTRY_URL: "http://r:5000",
      KEEP_N: "3",
      REGISTRY_USER: "u",
      REGISTRY_PASS: "ppppp",
    };
    const { exit, out } = await imported(["--from", "registry-gc"], variables);
    const text = out.join("\n");

    expect(exit).toBe(0);
    expect(text).toContain("newest: 3");
    expect(text).toContain("from the environment");
    expect(text).not.toContain("ppppp");
  });

  test("writes nothing where the configuration is wrong, and says where", async () => {
    await using folder = await temporaryFolder();
    const output = join(folder.path, "wharf.yaml");
    const ran = await imported(["--from", "registry-gc", "-o", output], {
      KEEP_N: "ten",
      REGISTRY_URL: "x",
    });

    expect(ran.exit).toBe(2);
    expect(ran.err.join()).toContain('KEEP_N: "ten" is not a number');
    expect(await readdir(folder.path)).toEqual([]);
  });

  test.each([
    ["neither a file nor a tool", [], /name a FILE/],
    ["a file that is not there", ["/nowhere/config.json"], /cannot be read/],
    [
      "a configuration of the distribution registry",
      [legacyFile("registry-gc/config.yml")],
      /taken as they are/,
    ],
    [
      "a file of another tool",
      [legacyFile("cleanup-script/config.json"), "--from", "registry-gc"],
      /not the configuration of registry-gc/,
    ],
    [
      "a folder that is not there",
      [legacyFile("cleanup-script/config.json"), "-o", "/nowhere/x"],
      /cannot be written/,
    ],
    [
      "a folder for a file",
      [legacyFile("cleanup-script/config.json"), "-o", "/"],
      /cannot be written/,
    ],
    ["a tool that there is not", ["x", "--from", "watchtower"], /Allowed choices/],
  ])("refuses %s", async (_, args, message) => {
    const { exit, err } = await imported(args);

    expect(exit).toBe(2);
    expect(err.join("\n")).toMatch(message);
  });
});
