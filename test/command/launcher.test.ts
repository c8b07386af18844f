import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { temporaryFolder } from "../support/folder.ts";

setDefaultTimeout(60_000);

const launcher = join(import.meta.dir, "..", "..", "bin", "bun.mjs");

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
}

/** Runs a piece of code through the launcher, as `bun -e` would. */
function evaluate(code: string, args: readonly string[] = [], given: Given = {}) {
  return launch(["-e", code, ...args], given);
}

function launch(args: readonly string[], { env = {}, cwd, stdin = "" }: Given = {}) {
  const own = Object.entries(process.env).filter(([name]) => !/^(?:UV|BUN)_/.test(name));
  const { stdout, stderr, exitCode, signalCode } = Bun.spawnSync(["node", launcher, ...args], {
    stdin: Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
    env: { ...Object.fromEntries(own), ...env },
    timeout: 30_000,
    killSignal: "SIGKILL",
    ...(cwd === undefined ? {} : { cwd }),
  });
  return { out: stdout.toString(), err: stderr.toString(), exitCode, signalCode };
}

describe("the launcher", () => {
  test("passes every argument on as it is", async () => {
    await using folder = await temporaryFolder();
    const script = folder.at("arguments.ts");
    await Bun.write(script, "console.log(JSON.stringify(process.argv.slice(2)))");
    const args = [
      "two words",
      "",
      "--flag",
      "-e",
      "--config=other.toml",
      "*",
      "$HOME",
      "ü\n",
      "--",
    ];

    const { out, exitCode } = launch([script, ...args]);

    expect(JSON.parse(out)).toEqual(args);
    expect(exitCode).toBe(0);
  });

  test.each([0, 1, 2, 7, 130, 255])("ends with exit code %d when its child does", (code) => {
    expect(evaluate(`process.exit(${code})`)).toMatchObject({
      exitCode: code,
      err: "",
    });
  });

  test.each(["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"])(
    "ends by %s when its child does",
    (signal) => {
      const { signalCode } = evaluate(
        `process.kill(process.pid, "${signal}"); await Bun.sleep(9e3)`,
      );

      expect(signalCode).toBe(signal);
    },
  );

  test("gives its input to its child, and keeps output and errors apart", () => {
    const code = "const text = await Bun.stdin.text(); console.log(text); console.error('oh');";

    expect(evaluate(code, [], { stdin: "from a pipe" })).toMatchObject({
      out: "from a pipe\n",
      err: "oh\n",
      exitCode: 0,
    });
  });
});

describe("what lies in the user's folder", () => {
  test("does not change how it runs", async () => {
    await using folder = await temporaryFolder();
    for (const name of [".env", ".env.local", ".env.development", ".env.test", ".env.production"]) {
      await Bun.write(folder.at(name), "FROM_A_FILE=yes\nWHARF_NONSENSE=yes\n");
    }
    await Bun.write(folder.at("preloaded.ts"), "console.log('preloaded')");
    await Bun.write(folder.at("bunfig.toml"), 'preload = ["./preloaded.ts"]\n');
    await Bun.write(folder.at(".bunfig.toml"), 'preload = ["./preloaded.ts"]\n');
    const paths = { commander: ["./preloaded.ts"] };
    await Bun.write(
      folder.at("tsconfig.json"),
      JSON.stringify({ compilerOptions: { baseUrl: ".", paths } }),
    );
    const here = { cwd: folder.path, env: { HOME: folder.path, XDG_CONFIG_HOME: folder.path } };

    const code = "console.log(String(process.env.FROM_A_FILE), process.cwd())";
    const wharf = join(import.meta.dir, "..", "..", "src", "main.ts");

    expect(evaluate(code, [], here)).toMatchObject({ out: `undefined ${folder.path}\n`, err: "" });
    expect(launch([wharf, "--version"], here)).toMatchObject({
      out: `${manifest.version}\n`,
      err: "",
    });
  });
});

describe("what Bun takes from its environment only", () => {
  const code =
    "console.log(process.env.UV_THREADPOOL_SIZE, process.env.BUN_JSC_forceRAMSize, process.env.OTHER)";

  test("is set by the launcher", () => {
    expect(evaluate(code, [], { env: { OTHER: "kept" } }).out).toBe("16 268435456 kept\n");
  });

  test("is the user's where the user has set it", () => {
    const env = { UV_THREADPOOL_SIZE: "3", BUN_JSC_forceRAMSize: "999999999", OTHER: "kept" };

    expect(evaluate(code, [], { env }).out).toBe("3 999999999 kept\n");
  });
});
