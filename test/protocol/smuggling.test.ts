import { beforeAll, describe, expect, test } from "bun:test";
import { mediaTypes } from "../support/oci.ts";
import { emptyConfig, manifestText, pushBytes, putManifest } from "./support/content.ts";
import { connectRaw, rawRequest, type RawRequest } from "./support/raw.ts";
import { leavingNoTrace } from "./support/refused.ts";
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
/** A push that would be accepted, if it were taken for a request. */
const push = (tag: string, more: RawRequest = {}) =>
  rawRequest("PUT", `/v2/${known}/manifests/${tag}`, {
    body: manifest,
    ...more,
    headers: [type, ...(more.headers ?? [])],
  }).toString("latin1");
const smuggled = push("smuggled");
const chunked = `${manifest.length.toString(16)}\r\n${manifest}\r\n0\r\n\r\n`;
const framed = (headers: string[], body: string) => push("bad", { headers, body, length: false });

/** Everything that comes back, until the server closes the connection. */
async function everything(bytes: Buffer): Promise<string> {
  using connection = await connectRaw(registry.port);
  await connection.send(bytes);
  return Buffer.from(await connection.rest()).toString("latin1");
}

const statusesIn = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

describe("a request whose end is not certain is refused, and nothing behind it is served", () => {
  const length = manifest.length;
  const bodies: readonly [what: string, request: string][] = [
    [
      "two lengths",
      framed([`Content-Length: ${length}`, `Content-Length: ${length - 1}`], manifest),
    ],
    ["two lengths in one line", framed([`Content-Length: ${length}, ${length}`], manifest)],
    [
      "an empty length and a real one",
      framed(["Content-Length:", `Content-Length: ${length}`], manifest),
    ],
    ["an empty length", framed(["Content-Length: "], manifest)],
    ["a negative length", framed(["Content-Length: -1"], manifest)],
    ["a length with a sign", framed([`Content-Length: +${length}`], manifest)],
    ["a length in hex", framed([`Content-Length: 0x${length.toString(16)}`], manifest)],
    ["a length with an underscore", framed(["Content-Length: 1_0"], manifest)],
    ["a length with a fraction", framed([`Content-Length: ${length}.0`], manifest)],
    ["a length of 2^64", framed(["Content-Length: 18446744073709551616"], manifest)],
    [
      "a length that overflows to the right one",
      framed([`Content-Length: ${2n ** 64n + BigInt(length)}`], manifest),
    ],
    ["a length of thirty digits", framed([`Content-Length: ${"9".repeat(30)}`], manifest)],
    [
      "chunks and a length",
      framed(["Transfer-Encoding: chunked", `Content-Length: ${length}`], chunked),
    ],
    [
      "a length and chunks",
      framed([`Content-Length: ${length}`, "Transfer-Encoding: chunked"], chunked),
    ],
    [
      "two encodings in two lines",
      framed(["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], chunked),
    ],
    [
      "two encodings in two lines, the wrong one first",
      framed(["Transfer-Encoding: chunked-false", "Transfer-Encoding: chunked"], chunked),
    ],
    ["chunked twice", framed(["Transfer-Encoding: chunked, chunked"], chunked)],
    ["identity", framed(["Transfer-Encoding: identity"], chunked)],
    ["chunked, gzip", framed(["Transfer-Encoding: chunked, gzip"], chunked)],
    ["gzip, chunked", framed(["Transfer-Encoding: gzip, chunked"], chunked)],
    ["xchunked", framed(["Transfer-Encoding: xchunked"], chunked)],
    ["chunked with a vertical tab", framed(["Transfer-Encoding: chunked\x0b"], chunked)],
    ["chunked behind a vertical tab", framed(["Transfer-Encoding: \x0bchunked"], chunked)],
    ["chunked in quotes", framed(['Transfer-Encoding: "chunked"'], chunked)],
    ["chunked with a parameter", framed(["Transfer-Encoding: chunked;q=1"], chunked)],
    ["a space before the colon", framed(["Transfer-Encoding : chunked"], chunked)],
    [
      "no encoding, and a length",
      framed(["Transfer-Encoding:", `Content-Length: ${length}`], manifest),
    ],
    [
      "a length, and no encoding",
      framed([`Content-Length: ${length}`, "Transfer-Encoding:"], manifest),
    ],
    ["an encoding on a line that is folded", framed(["Transfer-Encoding:\r\n chunked"], chunked)],
    [
      "chunks with HTTP/1.0",
      framed(["Transfer-Encoding: chunked"], chunked).replace("HTTP/1.1", "HTTP/1.0"),
    ],
    ...[
      "FFFFFFFFFFFFFFFF",
      "10000000000000000",
      "0x5",
      "+5",
      "5_0",
      " 5",
      "5 ",
      "-5",
      "",
      "g",
      "5,5",
    ].map((size): [string, string] => [
      `a chunk of size "${size}"`,
      framed(["Transfer-Encoding: chunked"], `${size}\r\n${manifest}\r\n0\r\n\r\n`),
    ]),
    ...["XY", "\rX", "\n", "X\n", ""].map((end): [string, string] => [
      `a chunk that ends with ${JSON.stringify(end)}`,
      framed(
        ["Transfer-Encoding: chunked"],
        chunked.replace(`${manifest}\r\n`, `${manifest}${end}`),
      ),
    ]),
    [
      "a chunk size that ends with a bare line feed",
      framed(["Transfer-Encoding: chunked"], chunked.replace("\r\n", "\n")),
    ],
  ];
  for (const [what, request] of bodies) {
    test(what, async () => {
      await leavingNoTrace(registry, async () => {
        expect(statusesIn(await everything(wire(request + smuggled)))).toEqual([400]);
      });
    });
  }

  test("64 kilobytes behind the size of a chunk", async () => {
    const request = framed(
      ["Transfer-Encoding: chunked"],
      chunked.replace("\r\n", `;${"x".repeat(65_536)}\r\n`),
    );
    await leavingNoTrace(registry, async () => {
      expect(statusesIn(await everything(wire(request + smuggled)))).toEqual([413]);
    });
  });

  for (const [what, trailer] of [
    ["one trailer", "X: y\r\n"],
    ["ten thousand trailers", "X: y\r\n".repeat(10_000)],
    ["a request in place of a trailer", `X:${smuggled.slice(0, smuggled.indexOf("\r\n"))}\r\n`],
  ] as const) {
    test(`${what} after the last chunk: what came before may count, what comes behind does not`, async () => {
      const request = rawRequest("GET", `/v2/${known}/tags/list`, {
        headers: ["Transfer-Encoding: chunked"],
      }).toString("latin1");
      await leavingNoTrace(registry, async () => {
        const statuses = statusesIn(
          await everything(wire(`${request}1\r\nx\r\n0\r\n${trailer}\r\n${smuggled}`)),
        );
        expect(statuses).toEqual([200, 400]);
      });
    });
  }

  test("but a body that is certain is served, and what follows it too", async () => {
    const name = "known/certain";
    await pushBytes(registry.url, name, emptyConfig.bytes);
    const first = (tag: string, headers: string[], body: string) =>
      rawRequest("PUT", `/v2/${name}/manifests/${tag}`, {
        headers: [type, ...headers],
        body,
        length: false,
      }).toString("latin1");
    for (const request of [
      first("a", ["Transfer-Encoding: chunked"], chunked),
      first("b", ["Transfer-Encoding: CHUNKED"], chunked),
      first("c", ["Transfer-Encoding: chunked"], chunked.replace("\r\n", ";name=value\r\n")),
      first("d", ["Transfer-Encoding: chunked"], `0000000000${chunked}`),
      first("e", [`Content-Length: ${length}`], manifest),
    ]) {
      using connection = await connectRaw(registry.port);
      await connection.send(wire(request));
      expect((await connection.answer())?.status).toBe(201);
      await connection.send(rawRequest("GET", "/v2/"));
      expect((await connection.answer())?.text).toBe("{}");
    }
    expect((await registry.ask("GET", `/v2/${name}/tags/list`)).json().tags).toEqual([
      "a",
      "b",
      "c",
      "d",
      "e",
    ]);
  });
});

describe("a request head that is malformed is refused, and the connection closed", () => {
  const good = push("bad");
  const afterHost = (line: string) =>
    good.replace("Host: 127.0.0.1\r\n", `Host: 127.0.0.1\r\n${line}\r\n`);
  const heads: readonly [what: string, request: string, status: number][] = [
    ["bare line feeds", good.replaceAll("\r\n", "\n"), 505],
    ["one bare line feed", afterHost("A: b\nC: d"), 400],
    ["a lone carriage return", afterHost("A: b\rC: d"), 400],
    ["a folded header", afterHost("A: b\r\n c"), 400],
    ["a NUL in a header", afterHost("A: b\0c"), 400],
    ["a space before the colon", afterHost("A : b"), 400],
    ["a header without a colon", afterHost("AAAA"), 400],
    ["a header without a name", afterHost(": b"), 400],
    ["a header's name with a bracket", afterHost("A(: b"), 400],
    ["a header's name in other letters", afterHost("\xc3\xa4: b"), 400],
    ["no Host", good.replace("Host: 127.0.0.1\r\n", ""), 400],
    ["a header of 64 kilobytes", afterHost(`A: ${"b".repeat(65_536)}`), 431],
    [
      "300 headers",
      afterHost(Array.from({ length: 300 }, (_, at) => `A${at}: b`).join("\r\n")),
      431,
    ],
    ["an address of 100 kilobytes", good.replace("/bad", `/${"b".repeat(100_000)}`), 431],
    ["a method of a megabyte", good.replace("PUT", "P".repeat(1_048_576)), 431],
    ["HTTP/2.0", good.replace("HTTP/1.1", "HTTP/2.0"), 505],
    ["HTTP/1.2", good.replace("HTTP/1.1", "HTTP/1.2"), 505],
    ["no version", good.replace(" HTTP/1.1", ""), 505],
    ["a space in the address", good.replace("/bad", "/bad x"), 505],
    ["a tab in the address", good.replace("/bad", "/bad\tx"), 505],
    ["a NUL in the address", good.replace("/bad", "/bad\0x"), 505],
    ["an address without a slash", good.replace("/v2", "v2"), 400],
    ["OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
    ["a greeting in TLS", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 400],
  ];
  for (const [what, request, status] of heads) {
    test(what, async () => {
      await leavingNoTrace(registry, async () => {
        expect(statusesIn(await everything(wire(request + smuggled)))).toEqual([status]);
      });
    });
  }

  // Bun hangs up on these without a word: not an answer, but no harm either.
  for (const method of ["put", "Put", "FOO", "PUTT", "P\x7fT"]) {
    test(`the method ${JSON.stringify(method)}`, async () => {
      await leavingNoTrace(registry, async () => {
        expect(
          statusesIn(await everything(wire(good.replace("PUT", method) + smuggled))),
        ).not.toContain(201);
      });
    });
  }
});
