import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, cp, mkdir, realpath, symlink, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Folder, temporaryFolder } from "../support/folder.ts";

setDefaultTimeout(60_000);

const root = join(import.meta.dir, "..", "..");
const arch = process.arch === "arm64" ? "aarch64" : process.arch;
const platformPackage = `@oven/bun-${process.platform}-${arch}`;

/** What npm leaves in the package `bun` where install scripts did not run. */
const STUB = "#!/bin/sh\necho 'the postinstall script was not run' >&2\nexit 1\n";

/** The launcher, installed elsewhere. */
async function installed(at: string): Promise<string> {
  await cp(join(root, "bin"), join(at, "bin"), { recursive: true });
  await cp(join(root, "bunfig.toml"), join(at, "bunfig.toml"));
  return join(at, "bin", "bun.mjs");
}

async function bunPackage(at: string, binary: "real" | "stub"): Promise<void> {
  await Bun.write(join(at, "package.json"), '{"name":"bun","version":"1.4.5"}');
  const path = join(at, "bin", "bun.exe");
  if (binary === "real") await linkBinary(path);
  else {
    await Bun.write(path, STUB);
    await chmod(path, 0o755);
  }
}

async function ovenPackage(at: string): Promise<void> {
  await Bun.write(join(at, "package.json"), `{"name":"${platformPackage}","version":"1.4.5"}`);
  await linkBinary(join(at, "bin", "bun"));
}

/** The one that runs this test is a real one, wherever it was installed. */
async function linkBinary(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(process.execPath, path);
}

function launch(launcher: string) {
  const code = "console.log('it runs', process.execPath)";
  const { stdout, stderr, exitCode } = Bun.spawnSync(["node", launcher, "-e", code], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  return { out: stdout.toString(), err: stderr.toString(), exitCode };
}

const runs = { out: expect.stringMatching(/^it runs /), err: "", exitCode: 0 };
const scoped = (modules: string): string => join(modules, ...platformPackage.split("/"));

describe.skipIf(process.platform === "win32")("the launcher finds the real binary", () => {
  type Layout = (folder: Folder) => Promise<string>;

  const layouts: [string, Layout][] = [
    [
      "in the package bun, where install scripts ran",
      async (folder) => {
        await bunPackage(folder.at("node_modules", "bun"), "real");
        return await installed(folder.path);
      },
    ],
    [
      "in the platform's own package, where the package bun has a stub",
      async (folder) => {
        await bunPackage(folder.at("node_modules", "bun"), "stub");
        await ovenPackage(scoped(folder.at("node_modules")));
        return await installed(folder.path);
      },
    ],
    [
      "in the node_modules of a project that depends on it",
      async (folder) => {
        const modules = folder.at("project", "node_modules");
        await bunPackage(join(modules, "bun"), "stub");
        await ovenPackage(scoped(modules));
        return await installed(join(modules, "wharfinger"));
      },
    ],
    [
      "inside the package bun's own node_modules",
      async (folder) => {
        await bunPackage(folder.at("node_modules", "bun"), "stub");
        await ovenPackage(scoped(folder.at("node_modules", "bun", "node_modules")));
        return await installed(folder.path);
      },
    ],
    [
      "beside the package bun, where that one is a link into a store of packages",
      async (folder) => {
        const store = folder.at("store", "bun", "node_modules");
        await bunPackage(join(store, "bun"), "stub");
        await ovenPackage(scoped(store));
        await folder.folder("node_modules");
        await symlink(join(store, "bun"), folder.at("node_modules", "bun"));
        return await installed(folder.path);
      },
    ],
    [
      "when it is started through a link",
      async (folder) => {
        await bunPackage(folder.at("app", "node_modules", "bun"), "real");
        const launcher = await installed(folder.at("app"));
        await symlink(launcher, folder.at("command"));
        return folder.at("command");
      },
    ],
  ];

  test.each(layouts)("%s", async (_, layout) => {
    await using folder = await temporaryFolder();

    expect(launch(await layout(folder))).toEqual(runs);
  });
});

describe.skipIf(process.platform === "win32")("the launcher says what is wrong", () => {
  test("when the package bun is not there", async () => {
    await using folder = await temporaryFolder();

    const { out, err, exitCode } = launch(await installed(folder.path));

    expect(err).toContain(
      `the Bun runtime for ${process.platform}-${process.arch} is not installed`,
    );
    expect(err).toContain("--omit=optional");
    expect({ out, exitCode }).toEqual({ out: "", exitCode: 1 });
  });

  test("when there is only a stub, which it does not run", async () => {
    await using folder = await temporaryFolder();
    await bunPackage(folder.at("node_modules", "bun"), "stub");

    const { err, exitCode } = launch(await installed(folder.path));

    expect(err).toContain("is not installed");
    expect(err).not.toContain("postinstall");
    expect(err).not.toContain("    at ");
    expect(exitCode).toBe(1);
  });

  test("when the binary cannot be started", async () => {
    await using folder = await temporaryFolder();
    const binary = folder.at("node_modules", "bun", "bin", "bun.exe");
    await bunPackage(folder.at("node_modules", "bun"), "stub");
    await truncate(binary, 2_000_000);
    await chmod(binary, 0o644);

    const { err, exitCode } = launch(await installed(folder.path));

    expect(err).toContain(`wharf: cannot start ${await realpath(binary)}`);
    expect(err).not.toContain("    at ");
    expect(exitCode).toBe(1);
  });
});
