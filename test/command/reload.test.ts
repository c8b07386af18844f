import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { type Server, startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

async function configure(folder: Folder, settings: object): Promise<string> {
  const file = folder.at("wharf.yaml");
  await writeFile(file, JSON.stringify(settings));
  return file;
}

/** What the log says after a SIGHUP, as objects. */
async function reloaded(server: Server): Promise<Record<string, unknown>[]> {
  const before = server.logs().length;
  process.kill(server.pid, "SIGHUP");
  const answered = /the configuration was read again|the new configuration cannot be used/;
  const logs = await eventually(
    async () => server.logs().slice(before),
    (text) => answered.test(text),
  );
  return logs
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function statusOf(server: Server, method: string, path: string): Promise<number> {
  return (await fetch(server.url + path, { method })).status;
}

describe("SIGHUP", () => {
  test("puts new settings in force, without a stop, and names what waits for a restart", async () => {
    await using folder = await temporaryFolder();
    const file = await configure(folder, { log: { level: "info" } });
    await using server = await startWharf({ data: folder.at("data"), args: [file] });
    await image().push(server.url, "team/app", "v1");
    await configure(folder, {
      delete: false,
      readOnly: true,
      publicUrl: "https://registry.example",
      headers: { "X-Served-By": ["wharf"] },
      limits: { connections: 5 },
      log: { level: "debug", format: "json" },
    });

    const lines = await reloaded(server);

    expect(lines).toContainEqual(
      expect.objectContaining({
        msg: "the configuration was read again",
        changed: ["delete", "headers", "log.level", "publicUrl", "readOnly"],
      }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: "warn",
        msg: "changed, but only a restart applies it",
        settings: ["limits.connections", "log.format"],
      }),
    );
    const answer = await fetch(`${server.url}/v2/team/app/manifests/v1`);
    expect([answer.status, answer.headers.get("x-served-by")]).toEqual([200, "wharf"]);
    expect(await statusOf(server, "POST", "/v2/team/app/blobs/uploads/")).toBe(405);
    expect(server.logs()).toContain('"level":"debug"');

    await configure(folder, { delete: false });
    await reloaded(server);
    expect(await statusOf(server, "POST", "/v2/team/app/blobs/uploads/")).toBe(202);
    expect(await statusOf(server, "DELETE", "/v2/team/app/manifests/v1")).toBe(405);

    await configure(folder, {});
    await reloaded(server);
    expect(await statusOf(server, "DELETE", "/v2/team/app/manifests/v1")).toBe(202);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test.each([
    ["cannot be read", "{", "it is not YAML"],
    ["has an unknown setting", '{"readOnly":true,"lisen":":1"}', "did you mean listen?"],
    ["has a wrong value", '{"readOnly":"perhaps"}', "readOnly: "],
  ])("changes nothing when the file %s", async (_, text, reason) => {
    await using folder = await temporaryFolder();
    const file = await configure(folder, { headers: { "X-Old": ["1"] } });
    await using server = await startWharf({ data: folder.at("data"), args: [file] });
    await writeFile(file, text);

    const lines = await reloaded(server);

    const refusal = lines.find(({ level }) => level === "error");
    expect(refusal?.["msg"]).toBe("the new configuration cannot be used; all goes on as before");
    expect(refusal?.["reason"]).toContain(reason);
    expect((await fetch(`${server.url}/v2/`)).headers.get("x-old")).toBe("1");
    expect(await statusOf(server, "POST", "/v2/team/app/blobs/uploads/")).toBe(202);
  });

  test("does not end a transfer, however often it comes", async () => {
    await using folder = await temporaryFolder();
    const file = await configure(folder, {});
    await using server = await startWharf({ data: folder.at("data"), args: [file] });
    const pushes = Array.from({ length: 5 }, (_, n) =>
      image().push(server.url, "team/app", `v${n}`),
    );

    for (let n = 0; n < 10; n++) {
      process.kill(server.pid, "SIGHUP");
      await Bun.sleep(10);
    }

    await Promise.all(pushes);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });
});

describe("the debug listener", () => {
  test("has health and metrics, and nothing of the registry", async () => {
    await using folder = await temporaryFolder();
    const file = await configure(folder, { debug: { listen: "127.0.0.1:0" } });
    await using server = await startWharf({ data: folder.at("data"), args: [file] });
    const url = await eventually(
      async () => /metrics, health (http:\S+)/.exec(server.logs())?.[1] ?? "",
      (found) => found !== "",
    );
    const ask = async (path: string, method = "GET") => {
      const answer = await fetch(url + path, { method });
      return [answer.status, await answer.text()] as const;
    };

    expect(await ask("/debug/health")).toEqual([200, "{}"]);
    expect(await ask("/livez")).toEqual([200, '{"status":"ok"}']);
    expect(await ask("/startupz")).toEqual([200, '{"status":"ok"}']);
    expect((await ask("/readyz?verbose"))[1]).toContain('"storage":{"ok":true');
    expect((await ask("/metrics"))[1]).toContain("wharf_check_ok");
    expect((await ask("/metrics", "POST"))[0]).toBe(405);
    for (const path of ["/v2/", "/v2/_catalog", "/", "/debug/pprof", "/constructor"]) {
      expect((await ask(path))[0]).toBe(404);
    }
  });
});

describe("the access log", () => {
  test("goes to standard output, and its last line is not lost at a stop", async () => {
    await using folder = await temporaryFolder();
    const file = await configure(folder, { log: { access: "combined", level: "silent" } });
    await using server = await startWharf({ data: folder.at("data"), args: [file] });

    await fetch(`${server.url}/v2/_catalog?last=secret`, {
      headers: { "user-agent": 'a "quoted"\tagent' },
    });
    await server.stop();

    const line =
      /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/v2\/_catalog HTTP\/1\.1" 200 \d+ "" "a \\"quoted\\"\\x09agent"$/m;
    expect(server.logs()).toMatch(line);
    expect(server.logs()).not.toContain("secret");
  });
});
