import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

const wharf = join(import.meta.dir, "..", "..", "bin", "wharf.mjs");

/** Runs `wharf serve` to the end that it should come to at once. */
function refused(listen: string, data: string, env: Readonly<Record<string, string>> = {}) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("WHARF_"));
  const command = ["node", wharf, "serve", "--listen", listen, "--data", data];
  const { stdout, stderr, exitCode } = Bun.spawnSync(command, {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...Object.fromEntries(own), ...env },
    timeout: 15_000,
    killSignal: "SIGKILL",
  });
  return { out: stdout.toString(), err: stderr.toString(), exitCode };
}

describe("a port that is taken", () => {
  test("is refused with exit code 2, and says which", async () => {
    await using folder = await temporaryFolder();
    const other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    try {
      const { out, err, exitCode } = refused(`127.0.0.1:${other.port}`, folder.at("data"));

      expect(err).toContain(`cannot listen on 127.0.0.1:${other.port}`);
      expect(err).toContain(`Is port ${other.port} in use?`);
      expect(err).not.toContain("    at ");
      expect({ out, exitCode }).toEqual({ out: "", exitCode: 2 });
    } finally {
      other.stop(true);
    }
  });

  test("is not shared with another registry, which goes on, and the data folder is free again", async () => {
    await using folder = await temporaryFolder();
    await using first = await startWharf({ data: folder.at("first") });

    const { err, exitCode } = refused(first.host, folder.at("second"));

    expect(err).toContain(`cannot listen on ${first.host}`);
    expect(exitCode).toBe(2);
    expect(existsSync(folder.at("second", "wharfinger", "owner.json"))).toBe(false);
    expect((await fetch(`${first.url}/v2/`)).status).toBe(200);
    await using second = await startWharf({ data: folder.at("second") });
    expect((await fetch(`${second.url}/v2/`)).status).toBe(200);
  });

  test("is not shared by listening on every address either", async () => {
    await using folder = await temporaryFolder();
    await using first = await startWharf({ data: folder.at("first") });
    const { port } = new URL(first.url);

    const { err, exitCode } = refused(`:${port}`, folder.at("second"), { WHARF_AUTH: "none" });

    expect(err).toMatch(new RegExp(`cannot listen on (0\\.0\\.0\\.0|\\[::\\]):${port}`));
    expect(exitCode).toBe(2);
  });
});

describe("a data folder that another server has open", () => {
  test("is refused with exit code 1, and says who has it", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await using first = await startWharf({ data });

    const { out, err, exitCode } = refused("127.0.0.1:0", data);

    expect(err).toContain(`process ${first.pid} at ${first.url} has it open`);
    expect(err).not.toContain("    at ");
    expect({ out, exitCode }).toEqual({ out: "", exitCode: 1 });
    expect((await fetch(`${first.url}/v2/`)).status).toBe(200);
    expect(await Bun.file(join(data, "wharfinger", "owner.json")).json()).toMatchObject({
      pid: first.pid,
    });
  });

  test("is taken once that one was killed", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await using first = await startWharf({ data });
    await first.stop("SIGKILL");

    await using second = await startWharf({ data });

    expect((await fetch(`${second.url}/v2/`)).status).toBe(200);
  });
});
