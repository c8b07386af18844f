import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { digestOf, randomBytes } from "../support/oci.ts";
import { type Server, startServer } from "../support/process.ts";
import { startUpload, withDigest } from "../support/push.ts";
import { openRequest } from "../support/wire.ts";

setDefaultTimeout(60_000);

const wharf = join(import.meta.dir, "..", "..", "bin", "wharf.mjs");

const asCommand = ["node", wharf, "serve"];
const asScript = ["npm", "--prefix", join(import.meta.dir, "..", ".."), "start", "--"];

async function launchServer(folder: Folder, how: readonly string[] = asCommand): Promise<Server> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("WHARF_"));
  return await startServer({
    command: (listen) => [...how, "--listen", listen, "--data", folder.at("data")],
    env: Object.fromEntries(own),
    ready: { path: "/v2/", statuses: [200] },
  });
}

/** The process that the launcher started. */
async function serverBehind(folder: Folder): Promise<number> {
  const owner = Bun.file(folder.at("data", "wharfinger", "owner.json"));
  return ((await owner.json()) as { pid: number }).pid;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a signal to the launcher", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "stops the server, and the launcher ends after it, with 0: %s",
    async (signal) => {
      await using folder = await temporaryFolder();
      await using server = await launchServer(folder);
      const behind = await serverBehind(folder);
      expect(behind).not.toBe(server.pid);

      expect(await server.stop(signal)).toEqual({ code: 0, signal: null });

      expect(runs(behind)).toBe(false);
      expect(server.logs()).toContain("stopping when all transfers have ended");
      expect(existsSync(folder.at("data", "wharfinger", "owner.json"))).toBe(false);
    },
  );

  test("asks the server to read its configuration again: SIGHUP", async () => {
    await using folder = await temporaryFolder();
    await using server = await launchServer(folder);

    process.kill(server.pid, "SIGHUP");

    const logs = await eventually(
      async () => server.logs(),
      (text) => text.includes("the configuration was read again"),
    );
    expect(logs).toContain("the configuration was read again");
    expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
  });

  test("reaches the server through npm start, too", async () => {
    await using folder = await temporaryFolder();
    await using server = await launchServer(folder, asScript);
    const behind = await serverBehind(folder);

    await server.stop("SIGTERM");

    await eventually(
      () => Promise.resolve(runs(behind)),
      (running) => !running,
    );
    expect(server.logs()).toContain('"msg":"stopped"');
  });

  test("lets a transfer end that is under way, and is one wish to stop however often it comes", async () => {
    await using folder = await temporaryFolder();
    await using server = await launchServer(folder);
    const bytes = randomBytes(1_000_000);
    const session = await startUpload(server.url, "team/slow");
    using upload = await openRequest("PUT", withDigest(session, digestOf(bytes)), {
      "content-length": String(bytes.byteLength),
    });
    await upload.send(bytes.subarray(0, 100_000));

    const stopped = server.stop("SIGTERM");
    process.kill(server.pid, "SIGTERM");
    await eventually(
      async () => server.logs(),
      (logs) => logs.includes("stopping when all transfers have ended"),
    );
    expect(runs(server.pid)).toBe(true);
    await upload.send(bytes.subarray(100_000));

    expect((await upload.answer()).status).toBe(201);
    expect(await stopped).toEqual({ code: 0, signal: null });
    expect(server.logs()).not.toContain("cutting off");
  });

  test("that ends it at once leaves no server behind", async () => {
    await using folder = await temporaryFolder();
    await using server = await launchServer(folder);
    const behind = await serverBehind(folder);

    expect((await server.stop("SIGKILL")).signal).toBe("SIGKILL");

    expect(
      await eventually(
        async () => runs(behind),
        (alive) => !alive,
      ),
    ).toBe(false);
  });
});

test("the launcher ends as the server does when that one is killed", async () => {
  await using folder = await temporaryFolder();
  await using server = await launchServer(folder);

  process.kill(await serverBehind(folder), "SIGKILL");

  expect((await server.ended).signal).toBe("SIGKILL");
});

test("the last line of the log is written before the server ends, every time", async () => {
  await using folder = await temporaryFolder();
  const whole: boolean[] = [];
  for (let round = 1; round <= 12; round++) {
    await using server = await launchServer(folder);
    await server.stop();
    whole.push(server.logs().includes('"msg":"stopped"'));
  }

  expect(whole).not.toContain(false);
});
