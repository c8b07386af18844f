import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openSockets } from "../../src/http/sockets.ts";
import { expectClean } from "../support/clean.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { onLinux } from "../support/linux.ts";
import { startServer } from "../support/process.ts";
import { notServed } from "../support/pull.ts";
import { digest, fresh, pushBytes } from "../protocol/support/content.ts";
import { type RawConnection, connectRaw, rawRequest } from "../protocol/support/raw.ts";
import { expectAlive } from "../protocol/support/refused.ts";
import { type TestRegistry, startRegistry } from "../protocol/support/registry.ts";
import { uploadFiles } from "../protocol/support/stored.ts";

const get = rawRequest("GET", "/v2/");
const beginning = "GET /v2/ HTTP/1.1\r\nHost: a\r\nX-Slow: ";

/** Sends a byte now and then, until told to stop. */
async function drip(connection: RawConnection, until: () => boolean, pause: number): Promise<void> {
  while (!until()) {
    await connection.send("a");
    await Bun.sleep(pause);
  }
}

/** As the system sees them from the server's side. */
async function connectionsTo({ port }: TestRegistry): Promise<number> {
  const sockets = openSockets(port)!;
  return (await sockets.descriptors()).filter((fd) => sockets.look(fd) !== null).length;
}

/** Resolves to true as soon as the server has hung up, to false when it has not after so long. */
async function hungUp(connection: RawConnection, within: number): Promise<boolean> {
  return await Promise.race([
    connection.rest().then(() => true),
    Bun.sleep(within).then(() => false),
  ]);
}

async function opened(registry: TestRegistry, count: number): Promise<RawConnection[]> {
  return await Promise.all(Array.from({ length: count }, () => connectRaw(registry.port)));
}

describe.skipIf(!onLinux)("the head of a request has a deadline", () => {
  test.concurrent("for clients that send it byte by byte, and for nobody else", async () => {
    await using registry = await startRegistry({ limits: { head: 1500 } });
    const { bytes, descriptor } = fresh(20_000_000);
    const small = fresh(400);
    await pushBytes(registry.url, "slow/app", bytes);
    const dripping = await opened(registry, 20);
    const [again, idle, silent, late, uploading, reading] = await opened(registry, 6);
    let over = false;

    // The second request of a connection has a deadline as the first one has.
    await again!.send(get);
    expect((await again!.answer())?.status).toBe(200);
    const drips = [...dripping, again!].map(async (connection) => {
      await connection.send(beginning);
      await drip(connection, () => over, 50);
    });
    await idle!.send(get);
    expect((await idle!.answer())?.status).toBe(200);
    await late!.send(beginning);
    await uploading!.send(
      rawRequest("POST", `/v2/slow/app/blobs/uploads/?digest=${small.descriptor.digest}`, {
        headers: ["Content-Length: 400"],
      }),
    );
    const upload = (async () => {
      for (let at = 0; at < 400; at += 5) {
        await uploading!.send(small.bytes.subarray(at, at + 5));
        await Bun.sleep(50);
      }
      return (await uploading!.answer())?.status;
    })();
    await reading!.send(rawRequest("GET", `/v2/slow/app/blobs/${descriptor.digest}`));
    reading!.pause();
    await Bun.sleep(500);
    await late!.send("x\r\n\r\n");
    expect((await late!.answer())?.text).toBe("{}");

    const ends = await Promise.all([...dripping, again!].map((one) => hungUp(one, 8000)));
    over = true;
    await Promise.all(drips);

    expect(ends.filter((ended) => !ended)).toEqual([]);
    expect(await upload).toBe(201);
    for (const connection of [idle!, silent!, late!]) {
      await connection.send(get);
      expect((await connection.answer())?.status).toBe(200);
    }
    reading!.resume();
    expect(digest((await reading!.answer())!.bytes)).toBe(descriptor.digest);
    for (const connection of [again!, idle!, silent!, late!, uploading!, reading!, ...dripping])
      connection.hangUp();
  });

  test.concurrent("after which those who wait at the door are let in", async () => {
    await using registry = await startRegistry({ limits: { connections: 20, head: 2000 } });
    const { bytes, descriptor } = fresh(20_000_000);
    await pushBytes(registry.url, "slow/app", bytes);
    const [reading] = await opened(registry, 1);
    await reading!.send(rawRequest("GET", `/v2/slow/app/blobs/${descriptor.digest}`));
    reading!.pause();
    const crowd = await opened(registry, 60);
    let gone = 0;
    const waiting = crowd.map(async (connection) => {
      await connection.rest().catch(() => undefined);
      gone++;
    });

    expect(
      await eventually(
        async () => gone,
        (count) => count >= 41,
      ),
    ).toBeGreaterThanOrEqual(41);
    await expectAlive(registry);
    expect(gone).toBeLessThan(60);
    reading!.resume();
    expect(digest((await reading!.answer())!.bytes)).toBe(descriptor.digest);
    for (const connection of [reading!, ...crowd]) connection.hangUp();
    await Promise.all(waiting);
  });
});

test
  .skipIf(!onLinux)
  .concurrent(
    "a crowd that takes every descriptor is sent away, and then others are served",
    async () => {
      await using folder = await temporaryFolder();
      const made = image();
      await using server = await startServer({
        command: (listen) => [
          "sh",
          "-c",
          `ulimit -n 128; exec "$@"`,
          "sh",
          process.execPath,
          join(import.meta.dir, "..", "..", "src", "main.ts"),
          "serve",
          "--listen",
          listen,
          "--data",
          folder.at("data"),
        ],
        env: process.env,
        ready: { path: "/v2/", statuses: [200] },
      });
      const port = Number(new URL(server.url).port);
      const crowd = await Promise.all(Array.from({ length: 300 }, () => connectRaw(port)));

      const answer = await fetch(`${server.url}/v2/`, { keepalive: false });
      await made.push(server.url, "crowd/app", "v1");

      expect(answer.status).toBe(200);
      expect(await notServed(server.url, "crowd/app", "v1", made)).toEqual([]);
      for (const connection of crowd) connection.hangUp();
      await server.stop();
      await expectClean(folder.at("data"));
    },
  );

test
  .skipIf(!onLinux)
  .concurrent(
    "stalled clients are dropped after the idle time, and leave nothing open",
    async () => {
      await using registry = await startRegistry({ limits: { idle: 5000 } });
      const { bytes, descriptor } = fresh(20_000_000);
      await pushBytes(registry.url, "slow/app", bytes);
      const target = `/v2/slow/app/blobs/uploads/?digest=${digest("x")}`;
      const stalled: readonly [count: number, request: Buffer | string][] = [
        [200, rawRequest("GET", `/v2/slow/app/blobs/${descriptor.digest}`)],
        [20, rawRequest("POST", target, { headers: ["Content-Length: 1000"] })],
        [20, rawRequest("POST", target, { headers: ["Transfer-Encoding: chunked"] })],
        [20, beginning],
        [20, ""],
      ];
      const connections: RawConnection[] = [];
      for (const [count, request] of stalled) {
        for (const connection of await opened(registry, count)) {
          connections.push(connection);
          if (request !== "") await connection.send(request);
          connection.pause();
        }
      }

      // None of them reads, so that only the server can end them.
      expect(
        await eventually(
          () => connectionsTo(registry),
          (open) => open === 0,
          30_000,
        ),
      ).toBe(0);
      const files = () => uploadFiles(registry.data);
      expect(await eventually(files, (left) => left.length === 0)).toEqual([]);
      await expectAlive(registry);
      for (const connection of connections) connection.hangUp();
    },
  );

test.concurrent("a flood from one address is answered 429 with the time to come back, and then served", async () => {
  await using registry = await startRegistry({ limits: { requestsPerSecond: 0.5 } });
  const answers = [];
  for (let at = 0; at < 40; at++) answers.push(await registry.ask("GET", "/v2/"));

  const refused = answers.filter(({ status }) => status === 429);

  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(5);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.errors[0]?.code).toBe("TOOMANYREQUESTS");
  expect(refused[0]?.headers.get("retry-after")).toMatch(/^[12]$/);
  expect((await registry.ask("OPTIONS", "/v2/")).status).toBe(429);
  await Bun.sleep(2000);
  expect((await registry.ask("GET", "/v2/")).status).toBe(200);
});
