import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { basic, startClosedWharf } from "../support/users.ts";

setDefaultTimeout(60_000);

const bin = (name: string): string => join(import.meta.dir, "..", "..", "bin", name);

function runBin(name: string, words: readonly string[], stdin = "") {
  const own = Object.entries(process.env).filter(([key]) => !key.startsWith("WHARF_"));
  const { stdout, stderr, exitCode } = Bun.spawnSync(["node", bin(name), ...words], {
    stdin: Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
    env: Object.fromEntries(own),
  });
  return { exit: exitCode, out: stdout.toString(), err: stderr.toString() };
}

describe("beside a running server", () => {
  test("users come, change and go without a restart", async () => {
    await using folder = await temporaryFolder();
    await using server = await startClosedWharf(folder, { users: {} });
    const user = (stdin: string, ...words: string[]) => {
      return runBin("wharf.mjs", ["user", ...words, "-c", folder.at("wharf.yaml")], stdin);
    };
    const status = async (name: string, password: string): Promise<number> => {
      return (await fetch(`${server.url}/v2/`, { headers: basic(name, password) })).status;
    };

    expect(await status("ann", "pw-one")).toBe(401);
    const added = user("pw-one\n", "add", "ann", "--password-stdin", "--cost", "4");
    expect(added).toEqual({ exit: 0, out: `Added ann to ${folder.at("users")}\n`, err: "" });
    expect(await status("ann", "pw-one")).toBe(200);

    user("pw-two\n", "passwd", "ann", "--password-stdin", "--cost", "4");
    expect(await status("ann", "pw-two")).toBe(200);
    await Bun.sleep(300);
    expect(await status("ann", "pw-one")).toBe(401);

    expect(user("", "list").out).toBe("ann\n");
    expect(user("", "remove", "ann").exit).toBe(0);
    await Bun.sleep(1500);
    expect(await status("ann", "pw-two")).toBe(401);
    expect(server.logs()).not.toContain("pw-one");
  });
});

describe("the htpasswd command", () => {
  test("prints what the original prints, to be put into a file", async () => {
    const { exit, out, err } = runBin("htpasswd.mjs", ["-Bbn", "ann", "password"]);
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    expect(out).toMatch(/^ann:\$2y\$05\$[./A-Za-z0-9]{53}\n\n$/);
  });

  test("writes a file that a server takes, and ends with the codes of the original", async () => {
    await using folder = await temporaryFolder();
    const file = folder.at("made");
    expect(runBin("htpasswd.mjs", ["-Bic", file, "ann"], "pw\n").exit).toBe(0);
    expect(await readFile(file, "utf8")).toStartWith("ann:$2y$05$");
    expect(runBin("htpasswd.mjs", ["-vb", file, "ann", "pw"]).exit).toBe(0);
    expect(runBin("htpasswd.mjs", ["-vb", file, "ann", "no"]).exit).toBe(3);
    expect(runBin("htpasswd.mjs", ["-b"]).exit).toBe(2);
    await using server = await startClosedWharf(folder, { users: {}, auth: { htpasswd: file } });
    const answer = await fetch(`${server.url}/v2/`, { headers: basic("ann", "pw") });
    expect(answer.status).toBe(200);
  });
});
