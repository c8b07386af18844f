import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { cleanEnvironment } from "../support/drop-in.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { type Server, startServer } from "../support/process.ts";

setDefaultTimeout(60_000);

const wharf = join(import.meta.dir, "..", "..", "bin", "wharf.mjs");

function serve(
  folder: Folder,
  args: readonly string[],
  wrap: readonly string[] = [],
): Promise<Server> {
  return startServer({
    command: (listen) => {
      const place = ["--listen", listen, "--data", folder.at("data")];
      return [...wrap, "node", wharf, "serve", ...place, ...args];
    },
    env: cleanEnvironment(),
    ready: { path: "/v2/", statuses: [200] },
  });
}

/** The levels of the lines that were logged while a client read and wrote. */
async function levels(args: readonly string[]): Promise<Set<string>> {
  await using folder = await temporaryFolder();
  await Bun.write(folder.at("wharf.yaml"), "log: { level: error, format: json }");
  await using server = await serve(
    folder,
    args.map((arg) => arg.replace("FILE", folder.at("wharf.yaml"))),
  );
  await fetch(`${server.url}/v2/_catalog`);
  await fetch(`${server.url}/v2/team/app/blobs/uploads/`, { method: "POST" });
  await server.stop();
  return new Set([...server.logs().matchAll(/"level":"(\w+)"/g)].map(([, level]) => level ?? ""));
}

describe("how much wharf serve says", () => {
  test("is changes and refusals, unless it is told otherwise", async () => {
    expect(await levels([])).toEqual(new Set(["info"]));
  });

  test.each(["-v", "--verbose", "--debug"])("is every request with %s", async (flag) => {
    expect((await levels([flag])).has("debug")).toBe(true);
  });

  test.each(["-q", "--quiet"])("is nothing but trouble with %s", async (flag) => {
    expect(await levels([flag])).toEqual(new Set());
  });

  test("is what the file says, which --config names too, and a flag wins", async () => {
    expect(await levels(["-c", "FILE"])).toEqual(new Set());
    expect((await levels(["--config", "FILE", "-v"])).has("debug")).toBe(true);
  });

  test("is not asked of two files", async () => {
    const command = ["node", wharf, "serve", "a.yaml", "-c", "b.yaml"];
    const { stderr, exitCode } = Bun.spawnSync(command, { env: cleanEnvironment() });

    expect(stderr.toString()).toContain("two configurations: CONFIG and --config");
    expect(exitCode).toBe(2);
  });
});

// util-linux's `script` gives a command a terminal.
const terminal = Bun.which("script");

describe.skipIf(terminal === null)("on a terminal", () => {
  async function logs(variables: string): Promise<string> {
    await using folder = await temporaryFolder();
    const wrap = ["sh", "-c", `${variables} exec script -qec "$*" /dev/null`, "sh"];
    await using server = await serve(folder, [], wrap);
    await fetch(`${server.url}/v2/team/app/blobs/uploads/`, { method: "POST" });
    await Bun.sleep(100);
    return server.logs();
  }

  test("lines have colours, and none with NO_COLOR", async () => {
    const colour = "\u001b[";
    const usual = await logs("unset NO_COLOR;");
    const plain = await logs("export NO_COLOR=1;");

    expect(usual).toContain(colour);
    expect(plain).toContain("request");
    expect(plain).not.toContain(colour);
  });
});
