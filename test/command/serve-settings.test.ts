import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { startServer, type Server } from "../support/process.ts";

setDefaultTimeout(60_000);

const wharf = join(import.meta.dir, "..", "..", "bin", "wharf.mjs");

function environment(env: Readonly<Record<string, string>>) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("WHARF_"));
  return { ...Object.fromEntries(own), ...env };
}

/** Runs `wharf serve` in a folder, to the end that it should come to at once. */
function refused(folder: Folder, args: readonly string[], env: Record<string, string> = {}) {
  const { stdout, stderr, exitCode } = Bun.spawnSync(["node", wharf, "serve", ...args], {
    cwd: folder.path,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: environment(env),
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  return { out: stdout.toString(), err: stderr.toString(), exitCode };
}

/** Runs `wharf serve` with a configuration file, which is given the address to listen on. */
async function configured(
  folder: Folder,
  file: (listen: string) => string,
  args: (listen: string) => readonly string[],
  env: (listen: string) => Readonly<Record<string, string>>,
): Promise<Server> {
  const script = 'cd "$0" && printf "%s" "$1" >wharf.yaml && shift && exec "$@"';
  return await startServer({
    command: (listen) => {
      const variables = Object.entries(env(listen)).map(([name, value]) => `${name}=${value}`);
      const command = ["env", ...variables, "node", wharf, "serve", "wharf.yaml", ...args(listen)];
      return ["sh", "-c", script, folder.path, file(listen), ...command];
    },
    env: environment({}),
    ready: { path: "/v2/", statuses: [200] },
  });
}

const none = () => [];
const nothing = () => ({});

describe("settings of wharf serve", () => {
  test("can come from a file", async () => {
    await using folder = await temporaryFolder();
    const file = (listen: string) => `listen: ${listen}\ndata: ./from-file\ndelete: false\n`;
    await using server = await configured(folder, file, none, nothing);
    const pushed = image();
    await pushed.push(server.url, "team/app", "v1");

    const removal = await fetch(`${server.url}/v2/team/app/manifests/v1`, { method: "DELETE" });

    expect(removal.status).toBe(405);
    expect(existsSync(folder.at("from-file", "wharfinger"))).toBe(true);
  });

  test("of the environment win over the file", async () => {
    await using folder = await temporaryFolder();
    const file = () => "listen: 192.0.2.1:1\ndata: ./from-file\nlog: { level: silent }\n";
    const env = (listen: string) => ({
      WHARF_LISTEN: listen,
      WHARF_DATA: "./from-environment",
      WHARF_LOG_LEVEL: "debug",
    });
    await using server = await configured(folder, file, none, env);

    await fetch(`${server.url}/v2/`);
    await server.stop();

    expect(server.logs()).toContain('"level":"debug"');
    expect(existsSync(folder.at("from-environment", "wharfinger"))).toBe(true);
    expect(existsSync(folder.at("from-file"))).toBe(false);
  });

  test("of the command line win over both", async () => {
    await using folder = await temporaryFolder();
    const file = () => "listen: 192.0.2.1:1\ndata: ./from-file\n";
    const args = (listen: string) => ["--listen", listen, "--data", "./from-flag"];
    const env = () => ({ WHARF_LISTEN: "192.0.2.1:2", WHARF_DATA: "./from-environment" });
    await using server = await configured(folder, file, args, env);

    expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
    expect(existsSync(folder.at("from-flag", "wharfinger"))).toBe(true);
    expect(existsSync(folder.at("from-file"))).toBe(false);
    expect(existsSync(folder.at("from-environment"))).toBe(false);
  });

  test.each([
    ["an unknown setting", "lisen: :1", "wharf.yaml: unknown setting lisen (did you mean listen?)"],
    ["an unknown inner setting", "log: { levle: info }", "log.levle (did you mean level?)"],
    ["a wrong value", "delete: perhaps", "wharf.yaml: delete: "],
    ["what is not YAML", "a: [", "wharf.yaml: line 1: it is not YAML"],
  ])("in a file are refused with exit code 2: %s", async (_, text, message) => {
    await using folder = await temporaryFolder();
    await Bun.write(folder.at("wharf.yaml"), text);

    const { out, err, exitCode } = refused(folder, ["wharf.yaml"]);

    expect(err).toContain(`wharf: invalid configuration: `);
    expect(err).toContain(message);
    expect(err).not.toContain("    at ");
    expect({ out, exitCode }).toEqual({ out: "", exitCode: 2 });
    expect(existsSync(folder.at("data"))).toBe(false);
  });

  test("in a file that is not there are refused with exit code 2", async () => {
    await using folder = await temporaryFolder();

    const { err, exitCode } = refused(folder, ["absent.yaml"]);

    expect(err).toContain("absent.yaml: it cannot be read");
    expect(exitCode).toBe(2);
  });

  test("in unknown variables are refused with exit code 2", async () => {
    await using folder = await temporaryFolder();

    const { err, exitCode } = refused(folder, [], { WHARF_LISTN: ":1" });

    expect(err).toContain("unknown variable WHARF_LISTN (did you mean WHARF_LISTEN?)");
    expect(exitCode).toBe(2);
  });
});

describe("the command line of wharf serve", () => {
  test("is explained by --help: every option, what it does without one, and examples", async () => {
    await using folder = await temporaryFolder();

    const { out, err, exitCode } = refused(folder, ["--help"]);

    for (const option of [
      "CONFIG",
      "--listen <HOST:PORT>",
      "--data <DIR>",
      "-q, --quiet",
      "-h, --help",
    ]) {
      expect(out).toContain(`  ${option} `);
    }
    expect(out.replaceAll(/\s+/g, " ")).toContain(
      "Without a configuration it listens on 127.0.0.1:5000 and keeps its data in ./data.",
    );
    expect(out).toContain("\nExamples:\n  wharf serve  ");
    for (const example of ["serve --listen 127.0.0.1:8080", "serve --data /", "serve wharf.yaml"]) {
      expect(out).toContain(`  wharf ${example}`);
    }
    expect({ err, exitCode }).toEqual({ err: "", exitCode: 0 });
  });

  test.each([
    ["an unknown option", ["--liste", ":1"], "Did you mean --listen?"],
    ["an option without its value", ["--data"], "argument missing"],
    ["a second file", ["one.yaml", "two.yaml"], "too many arguments"],
  ])("with %s is refused with exit code 2 and a hint", async (_, args, message) => {
    await using folder = await temporaryFolder();

    const { out, err, exitCode } = refused(folder, args);

    expect(err).toContain(message);
    expect(err).toContain("See: wharf serve --help");
    expect({ out, exitCode }).toEqual({ out: "", exitCode: 2 });
  });

  test.each(["0.0.0.0:0", ":0", "[::]:0"])(
    "that opens the registry to other machines must say so: %s",
    async (listen) => {
      await using folder = await temporaryFolder();

      const { out, err, exitCode } = refused(folder, ["--listen", listen]);

      expect(err).toContain("can be reached from other machines");
      expect(err).toContain("WHARF_AUTH=none");
      expect({ out, exitCode }).toEqual({ out: "", exitCode: 2 });
      expect(existsSync(folder.at("data"))).toBe(false);
    },
  );
});
