import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { parseName } from "../../src/oci/name.ts";
import { cleanEnvironment } from "../support/drop-in.ts";
import { filesBelow, type Folder, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { newTreeIn } from "../support/stored-tree.ts";

setDefaultTimeout(60_000);

const root = join(import.meta.dir, "..", "..");

function run(command: readonly string[], env: Record<string, string> = {}) {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...command], {
    stdin: "ignore",
    env: { ...cleanEnvironment(), ...env },
    timeout: 30_000,
  });
  return { out: stdout.toString(), err: stderr.toString(), exitCode };
}

const registry = (...args: string[]) => run(["node", join(root, "bin", "registry.mjs"), ...args]);

describe("the executable registry", () => {
  test.each(["--version", "-v"])("says its version: %s", (flag) => {
    expect(registry(flag)).toEqual({
      out: `registry wharfinger ${manifest.version}\n`,
      err: "",
      exitCode: 0,
    });
  });

  test.each([[[]], [["help"]], [["--help"]]])("lists its commands: %p", (args) => {
    const { out, err, exitCode } = registry(...args);

    expect(out).toContain("serve [CONFIG]");
    expect(out).toContain("garbage-collect");
    expect({ err, exitCode }).toEqual({ err: "", exitCode: 0 });
  });

  test.each([
    [["serve", "/nowhere/config.yml"], "/nowhere/config.yml: it cannot be read"],
    [["--colour"], "unknown option"],
    [["serve", "--colour"], "See: registry serve --help"],
    [["collect"], "unknown command"],
  ])("fails with exit code 1: %p", (args, message) => {
    const { out, err, exitCode } = registry(...args);

    expect(err).toContain(message);
    expect({ out, exitCode }).toEqual({ out: "", exitCode: 1 });
  });

  test("collects garbage at once with the words of the original, untagged manifests only when told so", async () => {
    await using folder = await temporaryFolder();
    await write(folder);
    const data = folder.at("data");
    const [dead, live] = [image(), image()];
    const tree = newTreeIn(data);
    await tree.put(parseName("team/app"), live, "v1");
    const clean = await filesBelow(data);
    await tree.put(parseName("team/app"), dead);
    const all = await filesBelow(data);
    const collect = (...flags: string[]) =>
      run(
        [
          "node",
          join(root, "bin", "registry.mjs"),
          "garbage-collect",
          ...flags,
          folder.at("config.yml"),
        ],
        {
          REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: data,
        },
      );
    const treeNow = async () =>
      (await filesBelow(data)).filter((path) => !path.startsWith("wharfinger/"));

    for (const flags of [[], ["-q"], ["-d", "-m"], ["--dry-run", "--delete-untagged"]]) {
      const { out, exitCode } = collect(...flags);

      expect({ flags, exitCode, files: await treeNow() }).toEqual({
        flags,
        exitCode: 0,
        files: all,
      });
      expect(out.includes("3 blobs and 1 manifests eligible for deletion")).toBe(
        flags.length === 2,
      );
    }
    const { out, exitCode } = collect("-m");

    expect(exitCode).toBe(0);
    expect(out.split("\n").slice(0, 4)).toEqual([
      "team/app",
      `manifest eligible for deletion: ${dead.digest}`,
      "",
      "3 blobs marked, 3 blobs and 1 manifests eligible for deletion",
    ]);
    expect(out).toContain(`blob eligible for deletion: ${dead.blobs[0]?.descriptor.digest}`);
    expect(await treeNow()).toEqual(clean);
  });

  test("finds its configuration where the variable says", async () => {
    await using folder = await temporaryFolder();
    const path = folder.at("config.yml");
    await Bun.write(path, "version: 0.1\nstorage: { filesystem: {}, s3: {} }");
    const command = ["node", join(root, "bin", "registry.mjs"), "serve"];

    const { err, exitCode } = run(command, { REGISTRY_CONFIGURATION_PATH: path });

    expect(err).toContain(`${path}: storage: names several drivers`);
    expect(exitCode).toBe(1);
  });
});

describe("wharf serve", () => {
  test("never looks for a configuration of another registry", async () => {
    await using folder = await temporaryFolder();
    const path = folder.at("config.yml");
    await Bun.write(path, "version: 0.1\nstorage: { filesystem: {}, s3: {} }");
    const command = ["node", join(root, "bin", "wharf.mjs"), "config", "check", "--json"];

    const { out, exitCode } = run(command, { REGISTRY_CONFIGURATION_PATH: path });

    expect(JSON.parse(out)).toMatchObject({ file: null, kind: "wharf" });
    expect(exitCode).toBe(0);
  });
});

describe("the entry point of the image", () => {
  /** Runs it with programs that say what they were called with. */
  async function entry(...args: string[]) {
    await using folder = await temporaryFolder();
    for (const name of ["registry", "wharf", "other"]) {
      await Bun.write(folder.at(name), `#!/bin/sh\necho ${name} "$@"\n`);
    }
    run(["chmod", "+x", ...["registry", "wharf", "other"].map((name) => folder.at(name))]);
    const script = join(root, "deploy", "docker", "entrypoint.sh");
    return run(["sh", script, ...args], { PATH: `${folder.path}:/usr/bin:/bin` }).out.trim();
  }

  test.each([
    [["/etc/docker/registry/config.yml"], "registry serve /etc/docker/registry/config.yml"],
    [["/x.yaml"], "registry serve /x.yaml"],
    [["serve", "/x.conf"], "registry serve /x.conf"],
    [["garbage-collect", "-m", "/x.yml"], "registry garbage-collect -m /x.yml"],
    [["help"], "registry help"],
    [["--version"], "registry --version"],
    [["-v"], "registry -v"],
    [["keep", "/x.yaml"], "wharf keep /x.yaml"],
    [["keep"], "wharf keep"],
    [["other", "a b"], "other a b"],
    [["registry", "serve", "/x.yml"], "registry serve /x.yml"],
  ])("%p", async (args, expected) => {
    expect(await entry(...args)).toBe(expected);
  });
});

async function write(folder: Folder): Promise<void> {
  await Bun.write(folder.at("config.yml"), "version: 0.1\nstorage: { filesystem: {} }\n");
}
