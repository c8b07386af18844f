import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { runCommand } from "../../test/support/command.ts";
import { temporaryFolder } from "../../test/support/folder.ts";
import { image } from "../../test/support/image.ts";
import { localRegistry } from "../../test/support/local-registry.ts";
import { listCommand } from "./list.ts";

describe("wharf list with a configuration", () => {
  test("prints the lines of registry-manager, and takes its file", async () => {
    await using first = await localRegistry();
    await using second = await localRegistry();
    await using folder = await temporaryFolder();
    const app = image();
    for (const tag of ["1", "2"]) await app.push(first.url, "team/app", tag);
    await app.push(first.url, "team/other", "3");
    await app.push(second.url, "zoo", "4");
    const file = join(folder.path, "config.yml");
    const all = `registries:\n  a: { registry: ${first.url} }\n  b: { registry: ${second.url}/v2/ }\n`;
    const lines = [
      `${first.host}/team/app:1`,
      `${first.host}/team/app:2`,
      `${first.host}/team/other:3`,
      `${second.host}/zoo:4`,
    ];
    await Bun.write(file, all);

    expect(await runCommand(listCommand, ["-c", file])).toMatchObject({ exit: 0, out: lines });

    await Bun.write(
      file,
      all.replace(`registry: ${first.url}`, `registry: ${first.url}, repositories: [team/app:1]`),
    );
    expect((await runCommand(listCommand, ["-c", file])).out).toEqual([
      lines[0]!,
      lines[1]!,
      lines[3]!,
    ]);
  });

  test("lists the others when one does not answer, and ends with 3", async () => {
    await using registry = await localRegistry();
    await using folder = await temporaryFolder();
    await image().push(registry.url, "app", "1");
    const file = join(folder.path, "wharf.yaml");
    await Bun.write(
      file,
      `registries: [{ name: gone, url: "http://127.0.0.1:1", retries: 0 }, { name: here, url: "${registry.url}" }]\n`,
    );

    const ran = await runCommand(listCommand, ["-c", file, "--json"]);

    expect(ran.exit).toBe(3);
    expect(JSON.parse(ran.out.join("\n"))).toEqual({
      schemaVersion: 1,
      registries: [
        { name: "here", registry: registry.url, repositories: [{ name: "app", tags: ["1"] }] },
      ],
    });
    expect(ran.err.join("\n")).toContain("gone");
  });

  test.each([
    ["a configuration without registries", [], /has no registries/],
    ["a repository as well", ["app"], /goes without REPO/],
    ["another registry as well", ["--registry", "x"], /goes without --registry/],
  ])("refuses %s", async (_, args, message) => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "wharf.yaml");
    await Bun.write(file, "data: ./data\n");
    const ran = await runCommand(listCommand, ["-c", file, ...args]);

    expect(ran.exit).toBe(2);
    expect(ran.err.join()).toMatch(message);
  });
});
