import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Receiver, receiver } from "../../test/support/receiver.ts";
import { type Outcome, deliver } from "./deliver.ts";
import { configOf } from "./endpoint-fixtures.ts";
import { endpointOf } from "./endpoint.ts";

setDefaultTimeout(30_000);

const NEVER = new AbortController().signal;
const MIB = 1024 * 1024;

function send(url: string, settings: object = {}, stopped: AbortSignal = NEVER): Promise<Outcome> {
  const endpoint = endpointOf(configOf({ url, timeout: "2s", ...settings }));
  return deliver(endpoint, '{"events":[]}', stopped, () => 60_000);
}

describe("a delivery", () => {
  let one: Receiver;
  let other: Receiver;

  beforeEach(() => {
    one = receiver();
    other = receiver();
  });
  afterEach(async () => {
    await one[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });

  test("is a POST of the body with its headers", async () => {
    expect(await send(one.url, { headers: { "X-A": ["b"] } })).toEqual({ delivered: true });
    expect(one.deliveries).toMatchObject([
      { method: "POST", path: "/events", body: '{"events":[]}', headers: { "x-a": "b" } },
    ]);
  });

  test.each([200, 201, 202, 204, 303])("that is answered with %d has arrived", async (status) => {
    one.answerWith(() => new Response(null, { status }));

    expect(await send(one.url)).toEqual({ delivered: true });
  });

  test.each([300, 304, 400, 401, 404, 410, 413, 500, 503])(
    "that is answered with %d has not",
    async (status) => {
      one.answerWith(() => new Response("what the receiver says", { status }));

      expect(await send(one.url)).toEqual({
        delivered: false,
        reason: `it answered ${status}`,
        after: null,
      });
    },
  );

  test("that is asked to come later says how much later", async () => {
    one.answerWith(() => new Response(null, { status: 503, headers: { "retry-after": "7" } }));

    expect(await send(one.url)).toMatchObject({ delivered: false, after: 7000 });
  });

  test.each([301, 302, 307, 308])(
    "is posted again where %d leads on the same server",
    async (status) => {
      const headers = { location: "/elsewhere?x=1" };
      one.answerWith(({ path }) =>
        path === "/events" ? new Response(null, { status, headers }) : null,
      );

      expect(await send(one.url, { headers: { authorization: ["Bearer s"] } })).toEqual({
        delivered: true,
      });
      expect(one.deliveries).toMatchObject([
        { path: "/events" },
        {
          method: "POST",
          path: "/elsewhere",
          body: '{"events":[]}',
          headers: { authorization: "Bearer s" },
        },
      ]);
    },
  );

  test("goes to no other server, whoever says so", async () => {
    const elsewhere = [other.url, other.url.replace("http:", "https:"), `//localhost:${one.port}/`];
    for (const location of elsewhere) {
      one.answerWith(() => new Response(null, { status: 307, headers: { location } }));

      expect(await send(one.url)).toMatchObject({
        delivered: false,
        reason: expect.stringContaining("another address"),
      });
    }
    expect(other.deliveries).toEqual([]);
  });

  test("does not go in circles", async () => {
    one.answerWith(() => new Response(null, { status: 307, headers: { location: "/events" } }));

    expect(await send(one.url)).toMatchObject({
      delivered: false,
      reason: "it redirects again and again",
    });
    expect(one.deliveries).toHaveLength(4);
  });

  test.each(["", "http:// not a url", "no location"])(
    "is not confused by a redirect to %p",
    async (location) => {
      const headers: Record<string, string> = location === "no location" ? {} : { location };
      one.answerWith(() => new Response(null, { status: 307, headers }));

      expect(await send(one.url)).toMatchObject({ delivered: false });
    },
  );

  test("to a receiver that hangs is given up in time", async () => {
    one.answerWith(async () => {
      await Bun.sleep(10_000);
      return new Response();
    });
    const began = performance.now();

    expect(await send(one.url, { timeout: "300ms" })).toEqual({
      delivered: false,
      reason: "it did not answer in time",
      after: null,
    });
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test("has arrived when the status says so, although the rest of the answer never comes", async () => {
    one.answerWith(() => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(10)),
      });
      return new Response(body, { status: 200 });
    });
    const began = performance.now();

    expect(await send(one.url, { timeout: "300ms" })).toEqual({ delivered: true });
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test("is cut off when the registry stops", async () => {
    one.answerWith(async () => {
      await Bun.sleep(10_000);
      return new Response();
    });
    const stop = new AbortController();
    const outcome = send(one.url, { timeout: "10s" }, stop.signal);
    await Bun.sleep(50);
    stop.abort();

    expect(await outcome).toMatchObject({ delivered: false });
  });

  test("whose answer is a gigabyte costs neither memory nor time", async () => {
    let sent = 0;
    one.answerWith(() => {
      const chunk = new Uint8Array(MIB);
      const body = new ReadableStream({
        pull(controller) {
          sent += chunk.length;
          if (sent > 1024 * MIB) controller.close();
          else controller.enqueue(chunk);
        },
      });
      return new Response(body);
    });

    expect(await send(one.url)).toEqual({ delivered: true });
    await Bun.sleep(200);
    expect(sent).toBeLessThan(200 * MIB);
  });

  test("whose answer claims to be small and packed is not unpacked", async () => {
    const bomb = Bun.gzipSync(new Uint8Array(64 * MIB));
    one.answerWith(() => new Response(bomb, { headers: { "content-encoding": "gzip" } }));

    expect(await send(one.url)).toEqual({ delivered: true });
  });

  test("that fails names no secret", async () => {
    const port = one.port;
    await one[Symbol.asyncDispose]();
    one = receiver();

    const url = `http://user:CANARY@127.0.0.1:${port}/CANARY?token=CANARY`;
    const outcome = await send(url, { headers: { "x-secret": ["CANARY"] }, secret: "CANARY" });

    expect(outcome).toEqual({ delivered: false, reason: expect.any(String), after: null });
    expect(JSON.stringify(outcome)).not.toContain("CANARY");
    expect(JSON.stringify(outcome)).toMatch(/ConnectionRefused|ECONNREFUSED/);
  });
});
