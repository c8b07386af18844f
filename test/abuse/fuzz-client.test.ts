import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { inspect } from "node:util";
import type { RegistryAddress } from "../../src/client/address.ts";
import { parseChallenges } from "../../src/client/auth/challenge.ts";
import { readRealm } from "../../src/client/auth/realm.ts";
import { scopesFor } from "../../src/client/auth/scopes.ts";
import { openConnection } from "../../src/client/connection.ts";
import { reachOf } from "../../src/client/http/reach.ts";
import { listTags, nextQuery } from "../../src/client/lists.ts";
import { deleteManifest, getManifest } from "../../src/client/manifests.ts";
import { RegistryError } from "../../src/oci/errors.ts";
import { parseName } from "../../src/oci/name.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { retryAfter } from "../../src/oci/retry-after.ts";
import { CANARY } from "../support/hostile.ts";
import { image } from "../support/image.ts";
import { Random } from "../support/random.ts";
import { rawServer } from "../support/raw-server.ts";
import { mutate } from "./support/mutate.ts";

setDefaultTimeout(60_000);

/** Another one each day; `FUZZ_SEED` repeats one, `FUZZ_ROUNDS` tries more. */
const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Date.now() / 86_400_000));
const rounds = Number(process.env["FUZZ_ROUNDS"] ?? 300);

const address: RegistryAddress = {
  origin: "http://registry.test",
  host: "registry.test",
  plain: true,
};

/** What a parser is made for, and what must hold of whatever it makes of anything else. */
const parsers: readonly (readonly [string, readonly string[], (text: string) => void])[] = [
  [
    "challenges",
    [
      'Bearer realm="https://auth.example.com/token",service="s",scope="repository:a/b:pull,push"',
      'Basic realm="a, Bearer b", Bearer realm=c ,service = d, Negotiate',
      'Basic realm="say \\"hi\\"", REALM=other',
    ],
    (text) => {
      for (const { scheme, parameters } of parseChallenges(text)) {
        expect(scheme).toMatch(/^[^\s",=]+$/);
        for (const value of parameters.values())
          expect(value.length).toBeLessThanOrEqual(text.length);
      }
    },
  ],
  [
    "links",
    ['</v2/app/tags/list?n=2&last=b>; rel="next"', "<https://a.example/?x=y>; rel=next", "<>"],
    (text) => {
      const query = nextQuery(text, address.origin);
      if (query === null) return;
      const url = new URL(`${address.origin}/v2/app/tags/list${query}`);
      expect([url.origin, url.pathname]).toEqual([address.origin, "/v2/app/tags/list"]);
    },
  ],
  [
    "realms",
    [
      "https://auth.registry.test/token",
      "http://127.0.0.1:5000/token?x=y",
      "http://[::ffff:10.0.0.1]/",
    ],
    (text) => {
      try {
        const { url } = readRealm(text, address, []);
        expect(["http:", "https:"]).toContain(url.protocol);
        expect(url.username + url.password).toBe("");
      } catch (error) {
        expect(error).toBeInstanceOf(RegistryError);
      }
    },
  ],
  [
    "scopes",
    ["repository:a/b:pull,push registry:catalog:*", "aws", "repository:host:5000/a:pull"],
    (text) => {
      for (const scope of scopesFor(text, "repository:a/b:pull")) {
        if (scope.includes(":")) expect(scope.split(":").at(-1)).toMatch(/^pull(,pull)*$/);
        expect(scope).toMatch(/^[\x21-\x7e]+$/);
      }
    },
  ],
  [
    "Retry-After",
    ["120", "Thu, 01 Jan 2026 12:00:30 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"],
    (text) => {
      const wait = retryAfter(text, 0);
      if (wait !== null) expect(wait).toBeGreaterThanOrEqual(0);
    },
  ],
  [
    "addresses",
    ["::ffff:10.0.0.1", "fe80::1%eth0", "192.168.1.1", "2002:a00:1::", "64:ff9b::a00:1"],
    (text) => expect(["public", "private", "loopback", "reserved"]).toContain(reachOf(text)),
  ],
];

describe(`a text with some bytes changed (seed ${seed})`, () => {
  test.each(parsers)("is read as %s, or refused, and nothing else", (_, corpus, check) => {
    const random = new Random(seed);
    for (let round = 0; round < rounds * 10; round++) {
      const input = Buffer.from(random.pick(corpus));
      check(mutate(input, Buffer.from(random.pick(corpus)), random).toString("latin1"));
    }
  });
});

const name = parseName("app");
const { bytes, mediaType, digest } = image();
const reply = (status: string, body: string | Uint8Array, ...headers: string[]): Buffer =>
  Buffer.concat([
    Buffer.from(
      [`HTTP/1.1 ${status}`, `Content-Length: ${body.length}`, ...headers, "", ""].join("\r\n"),
    ),
    Buffer.from(body),
  ]);

/** What registries answer. */
const answers = (url: string): readonly Buffer[] => [
  reply("401 No", "{}", `WWW-Authenticate: Bearer realm="${url}/token",service="s"`),
  reply("401 No", "", 'WWW-Authenticate: Basic realm="x"'),
  reply("200 OK", '{"token":"T","expires_in":300}', "Content-Type: application/json"),
  reply("200 OK", '{"tags":["1","2"]}', '</v2/app/tags/list?last=2>; rel="next"'),
  reply("200 OK", '{"tags":["1","2"]}', 'Link: </v2/app/tags/list?last=2>; rel="next"'),
  reply("200 OK", bytes, `Content-Type: ${mediaType}`, `Docker-Content-Digest: ${digest}`),
  reply("307 There", "", `Location: ${url}/v2/elsewhere`),
  reply("404 No", `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"not here"}]}`),
  reply("429 Later", "", "Retry-After: 0"),
  reply("202 Accepted", ""),
  Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
];

test(`a registry whose answers have some bytes changed gets nothing, and stops nobody (seed ${seed})`, async () => {
  const random = new Random(seed);
  let corpus: readonly Buffer[] = [];
  await using server = await rawServer((socket) => {
    const answer = mutate(random.pick(corpus), random.pick(corpus), random);
    if (random.chance(0.8)) socket.write(answer);
    else socket.end(answer);
  });
  const { port } = new URL(server.url);
  corpus = answers(`http://registry.test:${port}`);
  const strangers = new Set<string>();
  const outcomes = new Map<string, number>();

  const one = async (): Promise<void> => {
    const connection = openConnection(
      { ...address, origin: `http://registry.test:${port}` },
      {
        credentials: {
          find: async () => ({
            kind: "password",
            username: "me",
            password: CANARY,
            from: "a test",
          }),
        },
        stallMs: 100,
        lookUp: async (host) => {
          if (host === "registry.test") return ["127.0.0.1"];
          strangers.add(host);
          throw Object.assign(new Error("nobody"), { code: "ENOTFOUND" });
        },
      },
    );
    const work = random.pick([
      () => Array.fromAsync(listTags(connection, name)),
      () => getManifest(connection, name, parseReference("1")),
      () => getManifest(connection, name, parseReference(digest)),
      () => deleteManifest(connection, name, parseReference(digest)),
    ]);
    const error: unknown = await work().then(
      () => null,
      (failure: unknown) => failure,
    );
    const kind = error instanceof RegistryError ? error.kind : error === null ? "done" : "other";
    outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
    expect(kind, inspect(error)).not.toBe("other");
    expect(inspect(error, { depth: 10 })).not.toContain(CANARY);
  };
  for (let round = 0; round < rounds; round += 10) {
    await Promise.all(Array.from({ length: 10 }, one));
  }

  // It is of use only when some get through and some do not.
  expect([...outcomes.keys()]).toContain("done");
  expect(outcomes.size).toBeGreaterThan(2);
  for (const host of strangers) expect(host).not.toContain(CANARY);
});
