import { beforeAll, describe, expect, test } from "bun:test";
import { temporaryFolder } from "../support/folder.ts";
import { onLinux, peakMemory } from "../support/linux.ts";
import { mediaTypes } from "../support/oci.ts";
import { startWharf } from "../support/server.ts";
import {
  emptyConfig,
  manifestText,
  pushBytes,
  putManifest,
  unknownDigest,
} from "./support/content.ts";
import { chunk, connectRaw, exchange, rawRequest } from "./support/raw.ts";
import { expectAlive, expectRefusal, expectRefused, leavingNoTrace } from "./support/refused.ts";
import { sharedRegistry } from "./support/registry.ts";

const registry = sharedRegistry();
const known = "known/app";
const manifest = manifestText();
const type = `Content-Type: ${mediaTypes.image}`;

beforeAll(async () => {
  await pushBytes(registry.url, known, emptyConfig.bytes);
  await putManifest(registry.url, known, "v1", manifest);
});

/** Bytes as they stand on the wire, one character a byte. */
const wire = (text: string) => Buffer.from(text, "latin1");
describe("the host in a request", () => {
  const hosts = [
    "",
    "a/b",
    "a@b",
    "a#b",
    "a\\b",
    "a?b",
    "a b",
    "[::1",
    "a:99999",
    "a:b",
    "%00",
    "\xff",
    ".",
    "evil.example",
    "a, b",
    "x\r\nHost: y",
    "<script>",
  ];
  for (const host of hosts) {
    test(`${JSON.stringify(host)} is never used, and changes nothing`, async () => {
      const get = await exchange(
        registry.port,
        wire(`GET /v2/${known}/tags/list?n=1 HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
      );
      expect([get?.status, get?.text]).toEqual([200, `{"name":"${known}","tags":["v1"]}`]);
      const post = await exchange(
        registry.port,
        wire(
          `POST /v2/${known}/blobs/uploads/ HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`,
        ),
      );
      expect(post?.headers.get("location")).toStartWith(`/v2/${known}/blobs/uploads/`);
      await expectAlive(registry);
    });
  }

  test("in the address itself is not used either", async () => {
    for (const address of [
      "http://evil.example",
      "http://u:p@evil.example:1",
      "http://",
      "https://evil.example",
    ]) {
      const get = await exchange(
        registry.port,
        rawRequest("GET", `${address}/v2/${known}/tags/list`),
      );
      expect(get?.text).toBe(`{"name":"${known}","tags":["v1"]}`);
    }
  });
});

describe("a repository cannot be called", () => {
  const NAME = "NAME_INVALID";
  const names: readonly [name: string, code: string][] = [
    ["A", NAME],
    ["Known/app", NAME],
    ["known/App", NAME],
    ["-a", NAME],
    ["a-", NAME],
    ["_a", NAME],
    ["a_", NAME],
    [".a", NAME],
    ["a.", NAME],
    ["a..b", NAME],
    ["a...b", NAME],
    ["a___b", NAME],
    ["a._b", NAME],
    ["a//b", NAME],
    ["/a", NAME],
    ["a/", NAME],
    ["a/-b", NAME],
    ["a@b", NAME],
    ["a:b", NAME],
    ["a:5000/b", NAME],
    ["a+b", NAME],
    ["a~b", NAME],
    ["a;b", NAME],
    ["a#b", NAME],
    ["a,b", NAME],
    ["*", NAME],
    ["...", NAME],
    ["_catalog", NAME],
    ["_layers", NAME],
    ["a/_manifests/b", NAME],
    ["a/_uploads", NAME],
    ["%2e%2e", "UNSUPPORTED"],
    ["%2e%2e%2fx", NAME],
    ["%2fetc%2fpasswd", NAME],
    ["a%2fb", NAME],
    ["a%2Fb", NAME],
    ["a%252fb", NAME],
    ["a%00b", NAME],
    ["a%5cb", NAME],
    ["a%0d%0aX-Evil:1", NAME],
    ["%c0%ae%c0%ae", NAME],
    ["%u002e%u002e", NAME],
    ["%61", NAME],
    ["%", NAME],
    ["a%", NAME],
    ["kn\u00f6wn", NAME],
    ["kno\u0308wn", NAME],
    ["known\u200b", NAME],
    ["\u212anown", NAME],
    ["<script>", NAME],
    ['a"b', NAME],
    ["a'b", NAME],
    ["a|b", NAME],
    ["a".repeat(256), NAME],
    ["a/".repeat(128) + "a", NAME],
    ["a".repeat(14_000), NAME],
    ["-".repeat(14_000), NAME],
    ["a-".repeat(7000), NAME],
    [`a${"__a".repeat(4000)}_`, NAME],
  ];
  for (const [name, code] of names) {
    test(`${JSON.stringify(name.slice(0, 30))}, not in any request`, async () => {
      const status = code === NAME ? 400 : 404;
      const requests: readonly [method: string, path: string][] = [
        ["PUT", `manifests/v1`],
        ["GET", "manifests/v1"],
        ["DELETE", "manifests/v1"],
        ["GET", `blobs/${unknownDigest}`],
        ["POST", "blobs/uploads/"],
        ["PATCH", "blobs/uploads/x"],
        ["GET", "tags/list"],
        ["GET", `referrers/${unknownDigest}`],
      ];
      for (const [method, path] of requests) {
        const target = wire(Buffer.from(`/v2/${name}/${path}`).toString("latin1")).toString(
          "latin1",
        );
        const request = rawRequest(method, target, {
          headers: [type],
          ...(method === "PUT" && { body: manifest }),
        });
        const began = performance.now();
        const refused = await expectRefused(registry, () => exchange(registry.port, request), {
          status,
          code,
        });
        expect(performance.now() - began).toBeLessThan(1000);
        expect([...refused.headers.keys()]).not.toContain("x-evil");
      }
    });
  }
});

describe("dots in an address", () => {
  test("are resolved before anything else looks at it, and lead nowhere but where the resolved one leads", async () => {
    for (const path of [
      `/v2/x/../${known}/tags/list`,
      `/v2/./${known}/tags/list`,
      `/v2/x/%2e%2e/${known}/tags/list`,
      `/v2/x/.%2E/${known}/tags/list`,
      `/../../v2/${known}/tags/list`,
    ]) {
      const got = await exchange(registry.port, rawRequest("GET", path));
      expect([path, got?.status, got?.json().name]).toEqual([path, 200, known]);
    }
  });

  for (const path of [
    "/v2/../../../etc/passwd",
    "/v2/%2e%2e/%2e%2e/etc/passwd",
    "/v2/../wharfinger/metadata.sqlite",
    "/../data",
    "/v2/x/manifests/..",
    "/v2/x/blobs/uploads/..",
    "/v2/x/blobs/../../../x",
  ]) {
    test(`${path} is nothing`, async () => {
      await leavingNoTrace(registry, async () => {
        expectRefusal(await exchange(registry.port, rawRequest("GET", path)), {
          status: 404,
          code: "UNSUPPORTED",
        });
      });
    });
  }

  test("cannot lead an upload or a manifest out of its repository", async () => {
    for (const [method, path] of [
      ["PUT", `/v2/${known}/manifests/..%2f..%2fx`],
      ["PUT", `/v2/${known}/manifests/%2e%2e%2fx`],
      ["PATCH", `/v2/${known}/blobs/uploads/..%2f..%2fmetadata.sqlite`],
      ["GET", `/v2/${known}/blobs/sha256:..%2f..%2f..%2fwharfinger`],
      ["GET", `/v2/${known}/blobs/sha256:%2e%2e`],
    ] as const) {
      await leavingNoTrace(registry, async () => {
        const answer = await exchange(
          registry.port,
          rawRequest(method, path, {
            headers: [type],
            ...(method === "PUT" && { body: manifest }),
          }),
        );
        expect([path, [400, 404].includes(answer!.status)]).toEqual([path, true]);
        expect(answer?.errors).toHaveLength(1);
      });
    }
  });
});

describe("odd queries", () => {
  const queries: readonly [query: string, status: number][] = [
    ["?", 200],
    ["??n=1", 200],
    ["?%", 200],
    ["?%zz=%", 200],
    ["?=", 200],
    ["?n", 400],
    ["?n=%31", 200],
    ["?%6e=x", 400],
    ["?n=1;n=2", 400],
    ["?last=%ff%fe", 200],
    [`?${"a=b&".repeat(3000)}`, 200],
    [`?${"n=1&".repeat(3000)}`, 400],
    ["?__proto__=1&constructor=2", 200],
    ["?ns=docker.io", 200],
  ];
  for (const [query, status] of queries) {
    test(`${query.slice(0, 30)} is answered ${status}`, async () => {
      const request = rawRequest("GET", `/v2/${known}/tags/list${query}`);
      const answer = await leavingNoTrace(registry, () => exchange(registry.port, request));
      expect(answer?.status).toBe(status);
      if (status === 400)
        expectRefusal(answer, {
          status,
          code: "UNSUPPORTED",
          reason: /^invalid query parameter: n: /,
        });
    });
  }
});

describe.skipIf(!onLinux)("memory", () => {
  const GIB = 1024;
  const block = new Uint8Array(1024 * 1024).fill(0x5b);

  test("does not grow with what is refused: uploads to nowhere, endless chunks", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const port = Number(new URL(wharf.url).port);
    const flood = async (
      method: string,
      target: string,
      headers: string[],
      expected: number,
      mebibytes = GIB,
    ) => {
      using connection = await connectRaw(port);
      const isChunked = headers.some((header) => header.includes("chunked"));
      const length = isChunked ? [] : [`Content-Length: ${mebibytes * block.length}`];
      await connection.send(rawRequest(method, target, { headers: [...headers, ...length] }));
      const answer = connection.answer();
      const piece = isChunked ? chunk(block) : block;
      for (let sent = 0; sent < mebibytes; sent++) await connection.send(piece);
      if (isChunked) await connection.send(chunk(""));
      expect([method, target, (await answer)?.status]).toEqual([method, target, expected]);
    };
    const manifestPath = "/v2/memory/manifests/v1";
    // What the first requests of a process need: code, buffers, connections.
    for (let times = 0; times < 3; times++) await flood("PUT", manifestPath, [type], 413, 16);
    for (let times = 0; times < 3; times++)
      await flood("PUT", manifestPath, [type, "Transfer-Encoding: chunked"], 413, 16);
    const before = await peakMemory(wharf.pid);

    await flood("POST", "/v2/memory/blobs/uploads/?digest=sha256:bad", [], 400);
    await flood("PATCH", "/v2/memory/blobs/uploads/nobody", ["Transfer-Encoding: chunked"], 404);

    expect((await peakMemory(wharf.pid)) - before).toBeLessThan(48);
    expect((await fetch(`${wharf.url}/v2/`)).status).toBe(200);
    expect(await (await fetch(`${wharf.url}/v2/_catalog`)).json()).toEqual({ repositories: [] });
  });
});
