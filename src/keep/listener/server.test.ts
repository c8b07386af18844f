import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { parseName } from "../../oci/name.ts";
import type { Digest } from "../../oci/digest.ts";
import { BODY_LIMIT } from "./limits.ts";
import { listenerWorld } from "./listener-fixtures.ts";

const collect = { with: "tree", data: "/nowhere" };
const hub = { name: "hub", url: "127.0.0.1:5000", collect };
const digest = `sha256:${"a".repeat(64)}` as Digest;

const basic = (pair: string): RequestInit => ({
  headers: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` },
});

function told(action: string, more: object = {}, host = "127.0.0.1:5000"): RequestInit {
  const target = { repository: "team/app", ...more };
  const request = { method: "GET", useragent: "docker/24", host };
  return { body: JSON.stringify({ events: [{ action, target, request }] }) };
}

describe("triggers", () => {
  test("start a run, and say when they join one or have to wait", async () => {
    await using world = listenerWorld({ registries: [hub] });
    expect(await world.ask("POST", "/gc")).toMatchObject({ status: 200, text: "GC started" });
    expect((await world.ask("POST", "/gc")).text).toBe("GC already started: this request joins it");
    expect((await world.ask("POST", "/prune")).text).toBe(
      "prune+GC queued: it starts when the running job has ended",
    );
    await world.letGo();
    expect((await world.ask("POST", "/prune")).text).toBe(
      "prune+GC already started: this request joins it",
    );
    await world.letGo();
    await world.letGo();
    expect(world.begun).toEqual(["collect hub", "prune hub", "collect hub"]);
    expect((await world.ask("POST", "/prune")).text).toBe("prune+GC started");
  });

  test("are plain text, as scripts know them", async () => {
    await using world = listenerWorld({ registries: [hub] });
    const { headers } = await world.ask("POST", "/gc");
    expect(headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(headers.get("content-length")).toBe("10");
  });

  test("are about one registry where the path names it, and about all elsewhere", async () => {
    const other = { ...hub, name: "other.2", url: "127.0.0.1:5001" };
    await using world = listenerWorld({ registries: [hub, other] });
    await world.ask("POST", "/registries/other.2/gc");
    expect(world.begun).toEqual(["collect other.2"]);
    expect((await world.ask("POST", "/gc")).text).toBe("GC started");
    expect(world.begun).toEqual(["collect other.2", "collect hub"]);
    expect((await world.ask("POST", "/registries/nobody/gc")).status).toBe(404);
  });

  test("say when nothing collects", async () => {
    const plain = { name: "hub", url: "127.0.0.1:5000" };
    await using world = listenerWorld({ registries: [plain] });
    expect((await world.ask("POST", "/gc")).status).toBe(409);
    expect((await world.ask("POST", "/prune")).text).toBe("prune started");
  });

  test("do nothing any more when a stop was asked for", async () => {
    await using world = listenerWorld({ registries: [hub] });
    world.health.stop();
    expect((await world.ask("POST", "/gc")).status).toBe(503);
    expect(world.begun).toEqual([]);
  });

  test("take no other method, and no page of another site", async () => {
    await using world = listenerWorld({ registries: [hub] });
    for (const path of ["/gc", "/prune", "/events"]) {
      const { status, headers } = await world.ask("PUT", path);
      expect([status, headers.get("allow")?.split(", ")[0]]).toEqual([405, "POST"]);
    }
    expect((await world.ask("GET", "/events")).status).toBe(405);
    for (const headers of [
      { origin: "https://evil.example" },
      { "sec-fetch-site": "cross-site" },
    ] as Record<string, string>[]) {
      expect((await world.ask("POST", "/gc", { headers })).status).toBe(403);
    }
    expect(world.begun).toEqual([]);
  });
});

describe("a password", () => {
  const keep = { username: "admin", password: "päss:word" };

  test("is needed to prune, and not to collect or to tell of events", async () => {
    await using world = listenerWorld({ registries: [hub], keep });
    for (const [method, path] of [
      ["POST", "/prune"],
      ["GET", "/prune"],
      ["POST", "/registries/hub/prune"],
      ["GET", "/registries"],
    ] as const) {
      const refused = await world.ask(method, path);
      expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([
        401,
        'Basic realm="wharf keep", charset="UTF-8"',
      ]);
      expect((await world.ask(method, path, basic("admin:wrong"))).status).toBe(401);
      expect((await world.ask(method, path, basic("admin:päss:word"))).status).toBe(200);
    }
    expect((await world.ask("POST", "/gc")).status).toBe(200);
    expect((await world.ask("POST", "/events", told("pull"))).status).toBe(202);
  });

  test("cannot be guessed quickly", async () => {
    await using world = listenerWorld({ registries: [hub], keep });
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      statuses.push((await world.ask("POST", "/prune", basic(`admin:${attempt}`))).status);
    }
    expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401]);
    expect(statuses.at(-1)).toBe(429);
    expect(world.begun).toEqual([]);
  });

  test("reaches no log", async () => {
    await using world = listenerWorld({ registries: [hub], keep });
    await world.ask("POST", "/prune?password=päss:word", basic("admin:päss:word"));
    expect(JSON.stringify(world.answered)).not.toContain("word");
  });
});

describe("notifications", () => {
  test("are answered 202 when they are written down", async () => {
    await using world = listenerWorld({ registries: [hub] });
    const reply = await world.ask("POST", "/events", told("push", { tag: "v1", digest }));
    expect([reply.status, reply.text]).toEqual([202, ""]);
    const times = world.state.timesOf("hub");
    await world.ask("POST", "/events", told("pull", { digest }));
    const [name, later] = [parseName("team/app"), Date.now() + 60_000];
    const pushed = await times.pushed(name, [{ tag: "v1" as never, digest }], later);
    expect(pushed.get("v1" as never)).toBeLessThan(later);
    expect((await times.pulled(name, [digest], later)).size).toBe(1);
  });

  test("of scanners, of ourselves and of others' HEAD are no pulls", async () => {
    await using world = listenerWorld({ registries: [hub], pulls: { ignore: ["trivy/*"] } });
    for (const request of [
      { method: "GET", useragent: "trivy/0.50" },
      { method: "GET", useragent: "wharfinger" },
      { method: "HEAD", useragent: "skopeo/1.9" },
    ]) {
      const events = [{ action: "pull", target: { repository: "team/app", digest }, request }];
      const body = JSON.stringify({ events });
      expect((await world.ask("POST", "/events", { body })).status).toBe(202);
    }
    const times = world.state.timesOf("hub");
    expect((await times.pulled(parseName("team/app"), [digest], Date.now())).size).toBe(0);
  });

  test("of deletes call for a collection, in the registry that they are about", async () => {
    const quick = { ...collect, afterDeletes: "1ms" };
    const one = { name: "one", url: "http://one.example:5000", collect: quick };
    const two = { name: "two", url: "https://two.example", collect: quick };
    await using world = listenerWorld({ registries: [one, two] });
    await world.ask("POST", "/events", told("delete", {}, "two.example"));
    await Bun.sleep(50);
    expect(world.begun).toEqual(["collect two"]);
    await world.ask("POST", "/registries/one/events", told("delete", {}, "elsewhere"));
    await Bun.sleep(50);
    expect(world.begun).toEqual(["collect two", "collect one"]);
    await world.ask("POST", "/events", told("delete", {}, "elsewhere"));
    await Bun.sleep(50);
    expect(world.begun).toHaveLength(2);
    expect((await world.ask("GET", "/metrics")).text).toContain(
      'wharf_keep_events_total{registry="",event="passed"} 1',
    );
  });

  test("need the token where there is one", async () => {
    await using world = listenerWorld({ registries: [hub], keep: { eventToken: "s3cret" } });
    const event = told("delete");
    const bearer = (token: string): RequestInit => ({
      ...event,
      headers: { authorization: `Bearer ${token}` },
    });
    expect((await world.ask("POST", "/events", event)).status).toBe(401);
    expect((await world.ask("POST", "/events", bearer("s3cre"))).status).toBe(401);
    expect((await world.ask("POST", "/events", bearer("s3cret"))).status).toBe(202);
  });

  test("that are no JSON are refused, and larger ones than any registry sends", async () => {
    await using world = listenerWorld({ registries: [hub] });
    expect((await world.ask("POST", "/events", { body: "delete" })).status).toBe(400);
    expect((await world.ask("POST", "/events")).status).toBe(400);
    expect((await world.ask("POST", "/events", { body: "[]" })).status).toBe(400);
    const body = " ".repeat(BODY_LIMIT + 1);
    expect((await world.ask("POST", "/events", { body })).status).toBe(413);
    expect((await world.ask("GET", "/livez")).status).toBe(200);
  });

  test("without a length are cut off at the same size", async () => {
    await using world = listenerWorld({ registries: [hub] });
    const { port } = new URL(world.url);
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), "127.0.0.1");
      let said = "";
      socket.on("data", (bytes) => {
        said += bytes.toString();
        socket.destroy();
      });
      socket.on("close", () => resolve(said));
      socket.on("error", () => resolve(said));
      socket.write("POST /events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
      const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`;
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
        if (!socket.destroyed) socket.once("drain", more);
      };
      more();
    });
    expect(answer).toStartWith("HTTP/1.1 413");
  });

  test("of names without number make no metrics", async () => {
    await using world = listenerWorld({ registries: [hub] });
    const before = (await world.ask("GET", "/metrics")).text.split("\n").length;
    for (let round = 0; round < 30; round++) {
      const events = Array.from({ length: 5000 }, (_, index) => ({
        action: round % 2 === 0 ? "push" : "pull",
        target: {
          repository: `r${round}/${index}`,
          tag: "v1",
          digest: `sha256:${String(round * 5000 + index).padStart(64, "0")}`,
        },
      }));
      const body = JSON.stringify({ events });
      expect((await world.ask("POST", "/events", { body })).status).toBe(202);
    }
    const after = (await world.ask("GET", "/metrics")).text.split("\n").length;
    expect(after).toBeLessThan(before + 6);
  });
});

describe("who watches over it", () => {
  test("hears of health, and of every registry", async () => {
    await using world = listenerWorld({ registries: [hub] });
    expect((await world.ask("GET", "/livez")).text).toBe('{"status":"ok"}');
    expect((await world.ask("GET", "/readyz")).status).toBe(200);
    await world.ask("POST", "/gc");
    const status = JSON.parse((await world.ask("GET", "/registries")).text);
    expect(status).toMatchObject({
      schemaVersion: 1,
      registries: [{ registry: "hub", running: { kind: "collect" }, waiting: [] }],
    });
    await world.letGo();
    const last = JSON.parse((await world.ask("GET", "/gc")).text);
    expect(last.registries).toMatchObject([
      { registry: "hub", running: false, last: { outcome: "done", bytes: 0 } },
    ]);
    const page = await world.ask("GET", "/metrics");
    expect(page.headers.get("content-type")).toStartWith("text/plain");
    expect(page.text).toContain(
      'wharf_keep_runs_total{registry="hub",kind="collect",outcome="done"} 1',
    );
    world.health.stop();
    expect((await world.ask("GET", "/readyz")).status).toBe(503);
  });

  test("hears that nothing can be written any more", async () => {
    await using world = listenerWorld({ registries: [hub] });
    world.state.close();
    expect((await world.ask("GET", "/readyz")).status).toBe(503);
    expect((await world.ask("POST", "/events", told("push", { tag: "v1" }))).status).toBe(500);
    expect((await world.ask("POST", "/gc")).status).toBe(500);
    expect((await world.ask("GET", "/livez")).status).toBe(200);
  });

  test("asks for what is not there", async () => {
    await using world = listenerWorld({ registries: [hub] });
    for (const path of [
      "/",
      "/registries/",
      "/registries/hub/x",
      "/registries/hub/livez",
      "/../",
    ]) {
      expect((await world.ask("GET", path)).status).toBe(404);
    }
    const head = await world.ask("HEAD", "/livez");
    expect([head.status, head.text]).toEqual([200, ""]);
  });
});
