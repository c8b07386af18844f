import { describe, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import {
  digest,
  emptyConfig,
  fresh,
  manifestText,
  pushBytes,
  putManifest,
} from "./support/content.ts";
import { chunk, connectRaw, exchange, rawRequest, type RawConnection } from "./support/raw.ts";
import { expectAlive } from "./support/refused.ts";
import { freshName, sharedRegistry } from "./support/registry.ts";
import { uploadFiles } from "./support/stored.ts";

const registry = sharedRegistry();
const get = rawRequest("GET", "/v2/");

/** Sends bytes in pieces, with a pause after each. */
async function drip(
  connection: RawConnection,
  bytes: Uint8Array,
  size: number,
  pause: number,
): Promise<void> {
  for (let at = 0; at < bytes.length; at += size) {
    await connection.send(bytes.subarray(at, at + size));
    await Bun.sleep(pause);
  }
}

describe("a slow client", () => {
  test("may send its headers byte by byte", async () => {
    using connection = await connectRaw(registry.port);
    await drip(connection, get, 1, 5);
    expect((await connection.answer())?.text).toBe("{}");
  });

  const pieces = (bytes: Uint8Array) =>
    Array.from({ length: Math.ceil(bytes.length / 10) }, (_, at) =>
      bytes.subarray(at * 10, at * 10 + 10),
    );

  for (const framing of ["length", "chunks"] as const) {
    test(`may send a manifest and a blob in small pieces, with ${framing}`, async () => {
      const name = freshName("edge");
      const { bytes } = fresh(2000);
      const text = manifestText();
      const headers = framing === "chunks" ? ["Transfer-Encoding: chunked"] : [];
      const framed = (body: Uint8Array) =>
        framing === "chunks" ? Buffer.concat([...pieces(body).map(chunk), chunk("")]) : body;
      const head = (body: Uint8Array) =>
        framing === "chunks" ? headers : [`Content-Length: ${body.length}`];
      await pushBytes(registry.url, name, emptyConfig.bytes);
      for (const [method, target, body] of [
        ["POST", `/v2/${name}/blobs/uploads/?digest=${digest(bytes)}`, bytes],
        ["PUT", `/v2/${name}/manifests/slow`, Buffer.from(text)],
      ] as const) {
        using connection = await connectRaw(registry.port);
        await connection.send(
          rawRequest(method, target, {
            headers: [...head(body), "Content-Type: application/vnd.oci.image.manifest.v1+json"],
          }),
        );
        await drip(connection, framed(body), 37, 3);
        expect([method, (await connection.answer())?.status]).toEqual([method, 201]);
      }
      expect((await registry.ask("GET", `/v2/${name}/manifests/slow`)).text).toBe(text);
    });
  }

  test("does not hold up others, not even three hundred of them", async () => {
    const name = freshName("edge");
    const { bytes, descriptor } = fresh(100_000);
    await pushBytes(registry.url, name, bytes);
    const heads = await Promise.all(Array.from({ length: 150 }, () => connectRaw(registry.port)));
    const bodies = await Promise.all(Array.from({ length: 150 }, () => connectRaw(registry.port)));
    for (const connection of heads)
      await connection.send("GET /v2/ HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    for (const connection of bodies) {
      await connection.send(
        rawRequest("POST", `/v2/${name}/blobs/uploads/?digest=${descriptor.digest}`, {
          headers: ["Content-Length: 100000"],
        }),
      );
      await connection.send(bytes.subarray(0, 10));
    }
    const began = performance.now();
    for (let times = 0; times < 20; times++) {
      expect(
        (await registry.ask("GET", `/v2/${name}/blobs/${descriptor.digest}`)).bytes,
      ).toHaveLength(100_000);
      expect((await pushBytes(registry.url, name, fresh().bytes)).status).toBe(201);
    }
    expect(performance.now() - began).toBeLessThan(5000);
    // Slow is not wrong: the first of each kind is still served when it gets to its end.
    await heads[0]!.send("x\r\n\r\n");
    expect((await heads[0]!.answer())?.text).toBe("{}");
    await bodies[0]!.send(bytes.subarray(10));
    expect((await bodies[0]!.answer())?.status).toBe(201);
    for (const connection of [...heads, ...bodies]) connection.hangUp();
    expect(
      await eventually(
        () => uploadFiles(registry.data),
        (files) => files.length === 0,
        5000,
      ),
    ).toEqual([]);
  });
});

describe("Expect: 100-continue", () => {
  test("is answered before the body is sent, and the push goes on", async () => {
    const name = freshName("edge");
    const { bytes, descriptor } = fresh();
    using connection = await connectRaw(registry.port);
    const target = `/v2/${name}/blobs/uploads/?digest=${descriptor.digest}`;
    await connection.send(
      rawRequest("POST", target, { headers: ["Expect: 100-continue", "Content-Length: 100"] }),
    );
    expect((await connection.answer())?.status).toBe(100);
    await connection.send(bytes);
    expect((await connection.answer())?.status).toBe(201);
  });

  test("and then nothing leaves nothing behind", async () => {
    const before = await uploadFiles(registry.data);
    using connection = await connectRaw(registry.port);
    const target = `/v2/edge/a/blobs/uploads/?digest=${digest("x")}`;
    await connection.send(
      rawRequest("POST", target, { headers: ["Expect: 100-continue", "Content-Length: 100"] }),
    );
    expect((await connection.answer())?.status).toBe(100);
    connection.hangUp("reset");
    expect(
      await eventually(
        () => uploadFiles(registry.data),
        (files) => files.length === before.length,
        5000,
      ),
    ).toEqual(before);
    await expectAlive(registry);
  });

  test("of something else is no reason to fail", async () => {
    const answer = await exchange(
      registry.port,
      rawRequest("GET", "/v2/", { headers: ["Expect: 200-ok"] }),
    );
    expect([200, 417]).toContain(answer!.status);
  });
});

describe("connections", () => {
  test("serve one request after the other, whatever the answers are", async () => {
    const name = freshName("edge");
    const { bytes, descriptor } = fresh();
    await pushBytes(registry.url, name, bytes);
    using connection = await connectRaw(registry.port);
    const requests: readonly [request: Buffer, status: number, head?: boolean][] = [
      [rawRequest("GET", "/v2/"), 200],
      [rawRequest("HEAD", `/v2/${name}/blobs/${descriptor.digest}`), 200, true],
      [rawRequest("HEAD", `/v2/${name}/manifests/none`), 404, true],
      [
        rawRequest("GET", `/v2/${name}/blobs/${descriptor.digest}`, {
          headers: ["Range: bytes=0-9"],
        }),
        206,
      ],
      [
        rawRequest("GET", `/v2/${name}/blobs/${descriptor.digest}`, {
          headers: ["Range: bytes=500-"],
        }),
        416,
      ],
      [
        rawRequest("GET", `/v2/${name}/blobs/${descriptor.digest}`, {
          headers: [`If-None-Match: "${descriptor.digest}"`],
        }),
        304,
      ],
      [rawRequest("OPTIONS", "/v2/"), 204],
      [rawRequest("GET", "/v2/", { body: "a body that nobody asked for" }), 200],
      [
        rawRequest("GET", "/v2/", {
          headers: ["Transfer-Encoding: chunked"],
          body: Buffer.concat([chunk("x"), chunk("")]),
          length: false,
        }),
        200,
      ],
      [rawRequest("DELETE", "/nowhere", { body: "x".repeat(100_000) }), 404],
      [rawRequest("PATCH", `/v2/${name}/blobs/uploads/none`, { body: "x".repeat(3_000_000) }), 404],
      [rawRequest("PUT", `/v2/${name}/manifests/v1`, { body: "x".repeat(9_000_000) }), 413],
      [rawRequest("POST", `/v2/${name}/blobs/uploads/`, { body: "x".repeat(100_000) }), 202],
      [rawRequest("POST", `/v2/${name}/blobs/uploads/?digest=${digest("y")}`, { body: "x" }), 400],
      [rawRequest("GET", `/v2/${name}/blobs/${descriptor.digest}`), 200],
    ];
    for (const [at, [request, status, head = false]] of requests.entries()) {
      await connection.send(request);
      expect([at, (await connection.answer({ head }))?.status]).toEqual([at, status]);
    }
  });

  test("with many requests sent ahead give each answer in its place, or end", async () => {
    const name = freshName("edge");
    await pushBytes(registry.url, name, emptyConfig.bytes);
    const texts = Array.from({ length: 10 }, (_, at) =>
      manifestText({ annotations: { at: String(at) } }),
    );
    for (const [at, text] of texts.entries()) await putManifest(registry.url, name, `t${at}`, text);
    for (let round = 0; round < 5; round++) {
      using connection = await connectRaw(registry.port);
      await connection.send(
        Buffer.concat(texts.map((_, at) => rawRequest("GET", `/v2/${name}/manifests/t${at}`))),
      );
      for (const text of texts) {
        const answer = await Promise.race([connection.answer(), Bun.sleep(2000).then(() => null)]);
        // Requests that come in while one is being worked on need not be served (RFC 9112, section 9.3.2).
        if (answer === null) break;
        expect(answer.text).toBe(text);
      }
    }
    await expectAlive(registry);
  });

  test("close when the client asks for it, and with HTTP/1.0", async () => {
    for (const request of [
      rawRequest("GET", "/v2/", { headers: ["Connection: close"] }),
      Buffer.from("GET /v2/ HTTP/1.0\r\n\r\n"),
      Buffer.from("GET /v2/nobody/tags/list HTTP/1.0\r\nHost: a\r\n\r\n"),
    ]) {
      using connection = await connectRaw(registry.port);
      await connection.send(request);
      expect([200, 404]).toContain((await connection.answer())!.status);
      expect((await connection.rest()).length).toBe(0);
    }
  });

  test("with HTTP/1.0 bring a blob whole", async () => {
    const name = freshName("edge");
    const { bytes, descriptor } = fresh(300_000);
    await pushBytes(registry.url, name, bytes);
    const answer = await exchange(
      registry.port,
      `GET /v2/${name}/blobs/${descriptor.digest} HTTP/1.0\r\n\r\n`,
    );
    expect([answer?.status, digest(answer!.bytes)]).toEqual([200, descriptor.digest]);
  });

  test("that ask for another protocol are served this one", async () => {
    for (const upgrade of [
      [
        "Upgrade: h2c",
        "Connection: Upgrade, HTTP2-Settings",
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
      ],
      [
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
      ],
    ]) {
      expect(
        (await exchange(registry.port, rawRequest("GET", "/v2/", { headers: upgrade })))?.text,
      ).toBe("{}");
    }
  });
});
