import { describe, expect, test } from "bun:test";
import { Health } from "../../src/observe/health.ts";
import { createMetrics } from "../../src/observe/metrics.ts";
import { measure } from "../../src/http/measure.ts";
import { image } from "../support/image.ts";
import { sharedRegistry, startRegistry } from "./support/registry.ts";
import { expectRefusal } from "./support/refused.ts";

describe("the front page", () => {
  const registry = sharedRegistry();

  test("is there for anybody, and for HEAD", async () => {
    for (const method of ["GET", "HEAD"]) {
      const answer = await registry.ask(method, "/");
      expect(answer.status).toBe(200);
      expect(answer.headers.get("cache-control")).toBe("no-cache");
      expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(answer.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
      expect(answer.text.length > 0).toBe(method === "GET");
    }
  });

  test("tells no stranger which repositories there are, and runs nothing in a browser", async () => {
    await image().push(registry.url, "hidden/away", "v1");

    const { text, headers } = await registry.ask("GET", "/");

    expect(text).not.toContain("hidden");
    expect(text).not.toContain("<script");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  test("takes nothing", async () => {
    for (const method of ["POST", "PUT", "DELETE"]) {
      const answer = await registry.ask(method, "/");
      expectRefusal(answer, { status: 405, code: "UNSUPPORTED" });
      expect(answer.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    }
  });
});

describe("health", () => {
  const registry = sharedRegistry();

  test.each(["/livez", "/readyz", "/startupz"])("at %s is ok, and never cached", async (path) => {
    for (const method of ["GET", "HEAD"]) {
      const answer = await registry.ask(method, path);
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
      expect(answer.text).toBe(method === "GET" ? '{"status":"ok"}' : "");
    }
  });

  test("that fails is a 503 with the reason, and is not asked for by name", async () => {
    const health = new Health({ interval: 0 });
    const fault = Object.assign(new Error("open /srv/secret/path"), { code: "EIO" });
    health.start([
      { name: "storage", run: () => Promise.reject(fault) },
      { name: "database", run: () => Promise.resolve() },
    ]);
    const operations = {
      health,
      metrics: createMetrics(),
      collector: null,
      pruning: null,
      retention: null,
    };
    await using own = await startRegistry({ server: { operations } });

    const answer = await own.ask("GET", "/readyz");
    const verbose = await own.ask("GET", "/readyz?verbose");

    expect(answer.status).toBe(503);
    expect(answer.text).toBe('{"status":"unavailable","checks":{"storage":"EIO"}}');
    expect(JSON.parse(verbose.text)).toMatchObject({
      status: "unavailable",
      checks: { storage: { ok: false, reason: "EIO" }, database: { ok: true, reason: null } },
    });
    expect(verbose.text).not.toContain("secret");
    expect((await own.ask("GET", "/livez")).status).toBe(200);
  });

  test("of a registry that is starting is a 503 at /startupz and /readyz, and alive", async () => {
    const operations = {
      health: new Health(),
      metrics: createMetrics(),
      collector: null,
      pruning: null,
      retention: null,
    };
    await using own = await startRegistry({ server: { operations } });

    expect((await own.ask("GET", "/startupz")).status).toBe(503);
    expect((await own.ask("GET", "/readyz")).text).toContain("starting");
    expect((await own.ask("GET", "/livez")).status).toBe(200);
  });
});

describe("a read-only registry", () => {
  test("refuses whatever changes something, and serves what it has", async () => {
    await using registry = await startRegistry({ server: { readOnly: true } });
    const digest = `sha256:${"a".repeat(64)}`;
    for (const [method, path] of [
      ["POST", "/v2/app/blobs/uploads/"],
      ["POST", `/v2/app/blobs/uploads/?mount=${digest}&from=other`],
      ["PATCH", "/v2/app/blobs/uploads/0123456789abcdef0123456789abcdef"],
      ["PUT", `/v2/app/blobs/uploads/0123456789abcdef0123456789abcdef?digest=${digest}`],
      ["DELETE", "/v2/app/blobs/uploads/0123456789abcdef0123456789abcdef"],
      ["PUT", "/v2/app/manifests/v1"],
      ["DELETE", "/v2/app/manifests/v1"],
      ["DELETE", `/v2/app/blobs/${digest}`],
    ] as const) {
      const answer = await registry.ask(method, path);
      expectRefusal(answer, { status: 405, code: "UNSUPPORTED", reason: /read-only/ });
      expect(answer.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    }
    expect((await registry.ask("GET", "/v2/")).status).toBe(200);
    expect((await registry.ask("GET", "/v2/_catalog")).status).toBe(200);
    expect((await registry.ask("GET", "/v2/app/manifests/v1")).status).toBe(404);
  });
});

describe("configured headers", () => {
  const headers = {
    "X-Two": ["a", "b"],
    "Content-Type": ["text/evil"],
    "Docker-Distribution-Api-Version": ["x"],
  };

  test("are on every answer, errors too, and spoil none that the protocol needs", async () => {
    await using registry = await startRegistry({ server: { headers } });
    for (const [method, path] of [
      ["GET", "/v2/"],
      ["GET", "/"],
      ["GET", "/nothing"],
      ["DELETE", "/v2/"],
      ["GET", "/v2/app/tags/list"],
      ["POST", "/v2/app/blobs/uploads/"],
      ["OPTIONS", "/v2/"],
    ] as const) {
      const answer = await registry.ask(method, path);
      expect(answer.headers.get("x-two")).toBe("a, b");
      expect(answer.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
      if (answer.text !== "") expect(answer.headers.get("content-type")).not.toBe("text/evil");
    }
  });

  test("are on whole blobs and on parts, whose bytes are right", async () => {
    await using registry = await startRegistry({ server: { headers } });
    const made = image();
    await made.push(registry.url, "app", "v1");
    const blob = made.blobs[1]!;
    const path = `/v2/app/blobs/${blob.descriptor.digest}`;

    const whole = await registry.ask("GET", path);
    const part = await registry.ask("GET", path, { headers: { range: "bytes=1-3" } });

    expect([whole.status, whole.headers.get("x-two")]).toEqual([200, "a, b"]);
    expect(whole.bytes).toEqual(new Uint8Array(blob.bytes));
    expect([part.status, part.headers.get("x-two")]).toEqual([206, "a, b"]);
    expect(part.bytes).toEqual(new Uint8Array(blob.bytes.slice(1, 4)));
  });
});

describe("a preflight", () => {
  const preflight = {
    headers: { origin: "https://ui.example", "access-control-request-method": "DELETE" },
  };

  test("is answered with what is configured, before anybody is asked who he is", async () => {
    const gate = {
      identify: () => {
        throw new Error("nobody asked");
      },
      challenge: () => "Basic",
    };
    const headers = {
      "Access-Control-Allow-Origin": ["https://ui.example"],
      "Access-Control-Allow-Methods": ["HEAD", "GET", "OPTIONS", "DELETE"],
    };
    await using registry = await startRegistry({ gate, server: { headers } });

    const answer = await registry.ask("OPTIONS", "/v2/app/manifests/v1", preflight);

    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://ui.example");
    expect(answer.headers.get("access-control-allow-methods")).toBe("HEAD, GET, OPTIONS, DELETE");
    expect(answer.headers.get("allow")).toBe("GET, HEAD, PUT, DELETE, OPTIONS");
  });

  test("allows nothing by itself", async () => {
    await using registry = await startRegistry();

    const answer = await registry.ask("OPTIONS", "/v2/app/manifests/v1", preflight);

    const names = [...answer.headers.keys()];
    expect(names.filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});

describe("/metrics", () => {
  async function measured() {
    const metrics = createMetrics();
    const health = new Health();
    health.start([]);
    const registry = await startRegistry({
      observers: [measure(metrics)],
      server: { operations: { health, metrics, collector: null, pruning: null, retention: null } },
    });
    const series = async (): Promise<string[]> => {
      const { text } = await registry.ask("GET", "/metrics");
      return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    };
    return { registry, series };
  }

  test("counts requests and bytes by route", async () => {
    const { registry, series } = await measured();
    await using _ = registry;
    const made = image();
    await made.push(registry.url, "team/app", "v1");
    const layer = made.blobs[1]!;
    const path = `/v2/team/app/blobs/${layer.descriptor.digest}`;
    await registry.ask("GET", path);
    await registry.ask("GET", path, { headers: { range: "bytes=0-9" } });
    await registry.ask("HEAD", path);
    await registry.ask("GET", "/v2/team/app/manifests/v1");
    await registry.ask("GET", "/v2/team/app/manifests/v2");

    const lines = await series();

    const blob = 'route="/v2/{name}/blobs/{digest}",method="GET"';
    const manifest = 'route="/v2/{name}/manifests/{reference}",method';
    expect(lines).toContain(`wharf_http_requests_total{${blob},status="200"} 1`);
    expect(lines).toContain(`wharf_http_requests_total{${blob},status="206"} 1`);
    expect(lines).toContain(
      `wharf_http_response_bytes_total{${blob}} ${layer.bytes.byteLength + 10}`,
    );
    expect(lines).toContain(`wharf_http_request_duration_seconds_count{${blob}} 2`);
    expect(lines).toContain(`wharf_http_requests_total{${manifest}="GET",status="404"} 1`);
    expect(lines).toContain(`wharf_http_requests_total{${manifest}="PUT",status="201"} 1`);
    expect(lines).toContain(
      `wharf_http_request_bytes_total{${manifest}="PUT"} ${made.bytes.byteLength}`,
    );
  });

  test("has as many series after many names as before", async () => {
    const { registry, series } = await measured();
    await using _ = registry;
    const ask = async (n: number): Promise<void> => {
      await registry.ask("GET", `/v2/name-${n}/tags/list`);
      await registry.ask("GET", `/v2/a/manifests/tag-${n}`);
      await registry.ask("GET", `/nowhere/${n}`);
      await registry.ask(`M${n}`, "/v2/");
      await registry.ask(`M${n}`, `/nowhere/${n}`);
    };
    await ask(0);
    // To ask is a request, too, and is counted from the second time on.
    await series();
    const before = await series();
    for (let n = 1; n < 100; n++) await ask(n);

    const after = await series();

    expect(after.length).toBe(before.length);
    expect(after.join("\n")).not.toMatch(/name-|tag-|nowhere\/|M\d/);
  });
});
