import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { expectStatus } from "../support/push.ts";
import { type Server, startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

const wharf = join(import.meta.dir, "..", "..", "bin", "wharf.mjs");

function execute(command: readonly string[]) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("WHARF_"));
  const { stdout, stderr, exitCode } = Bun.spawnSync([...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: Object.fromEntries(own),
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  return { out: stdout.toString(), err: stderr.toString(), exitCode };
}

const run = (...args: string[]) => execute(["node", wharf, ...args]);

describe("wharf", () => {
  test.each(["--version", "-V"])("%s prints the version and nothing else", (flag) => {
    expect(run(flag)).toEqual({ out: `${manifest.version}\n`, err: "", exitCode: 0 });
  });

  test.each(["--help", "-h", "help"])("%s names every command", (flag) => {
    const { out, err, exitCode } = run(flag);

    for (const command of ["serve", "list", "delete", "check"]) {
      expect(out).toMatch(new RegExp(`^  ${command}\\b`, "m"));
    }
    expect({ err, exitCode }).toEqual({ err: "", exitCode: 0 });
  });

  test("without a command prints its help as an error", () => {
    const { out, err, exitCode } = run();

    expect(err).toContain("Usage: wharf");
    expect({ out, exitCode }).toEqual({ out: "", exitCode: 2 });
  });

  test.each([
    ["an unknown command", ["frobnicate"], "unknown command 'frobnicate'"],
    ["a command that is nearly one", ["serv"], "Did you mean serve?"],
    ["an unknown option", ["--colour"], "unknown option '--colour'"],
    ["an unknown option of a command", ["list", "--quite"], "Did you mean --quiet?"],
  ])("refuses %s with exit code 2", (_, args, message) => {
    const { out, err, exitCode } = run(...args);

    expect(err).toContain(message);
    expect({ out, exitCode }).toEqual({ out: "", exitCode: 2 });
  });
});

describe("output to a pipe", () => {
  const count = 5000;
  // Half a megabyte of them: a pipe takes 64 KiB that nobody has read yet.
  const tags = Array.from({ length: count }, (_, at) => `tag-${String(at).padStart(96, "0")}`);
  let folder: Folder;
  let server: Server;

  beforeAll(async () => {
    folder = await temporaryFolder();
    server = await startWharf({ data: folder.at("data") });
    const many = image();
    await many.push(server.url, "team/many");
    for (let at = 0; at < count; at += 100) {
      const query = tags.slice(at, at + 100).map((tag) => `tag=${tag}`);
      const path = `/v2/team/many/manifests/${many.digest}?${query.join("&")}`;
      await expectStatus(201, server.url + path, {
        method: "PUT",
        headers: { "content-type": many.mediaType },
        body: many.bytes,
      });
    }
  });

  afterAll(async () => {
    // Its tree of thousands of files is not needed any more.
    await server.stop("SIGKILL");
    await folder[Symbol.asyncDispose]();
  });

  /** The command in front of a reader; says how the command itself ended, last on stderr. */
  const piped = (reader: string, ...args: string[]) => {
    const script = `{ node "$@"; echo "exit $?" >&2; } | { ${reader}; }`;
    return execute(["sh", "-c", script, "sh", wharf, ...args]);
  };

  test("is complete when the reader starts late", () => {
    const { out, err } = piped("sleep 2; cat", "list", "-q", `${server.host}/team/many`);

    expect(err).toBe("exit 0\n");
    expect(out.split("\n").length).toBe(count + 1);
    expect(out).toBe(`${tags.join("\n")}\n`);
  });

  test("that nobody reads to its end does not keep the command from ending", () => {
    const { out, err } = piped("head -n 1", "list", "-q", `${server.host}/team/many`);

    expect(out).toBe(`${tags[0]}\n`);
    expect(err).toMatch(/exit \d+\n$/);
    expect(err).not.toContain("    at ");
  });
});
