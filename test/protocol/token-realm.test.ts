import { expect, setDefaultTimeout, test } from "bun:test";
import { holder } from "../support/holders.ts";
import { basic, issuingGate } from "./support/issuing.ts";
import { connectRaw } from "./support/raw.ts";
import { startRegistry } from "./support/registry.ts";

setDefaultTimeout(60_000);

/** The challenge for a request with these headers, as lines. */
async function challenge(port: number, ...lines: string[]): Promise<string | null | undefined> {
  using connection = await connectRaw(port);
  await connection.send(`GET /v2/ HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  const answer = await connection.answer();
  // What is no request at all may be refused before anybody looks at it.
  if (answer === null || answer.status === 400) return undefined;
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([401, "no-store"]);
  return answer.headers.get("www-authenticate");
}

test("tokens are to be had where the client asked, when that is a host; otherwise a password is asked for", async () => {
  await using own = await issuingGate();
  await using registry = await startRegistry({ gate: own.gate });
  const realm = (origin: string): string => `Bearer realm="${origin}/token",service="wharfinger"`;
  const { port } = registry;
  expect(await challenge(port, "Host: registry.example.com")).toBe(
    realm("http://registry.example.com"),
  );
  expect(await challenge(port, "Host: [::1]:5000")).toBe(realm("http://[::1]:5000"));
  const hostile = [
    'a"b',
    "a,b",
    "user@evil",
    "a/b",
    "a b",
    "a\\b",
    "a:b",
    "",
    'x",service="y',
    "a?b",
    "a#b",
  ];
  for (const host of hostile) {
    const said = await challenge(port, `Host: ${host}`);
    const harmless =
      said === undefined ||
      /^(?:Basic realm="Wharfinger"|Bearer realm="http:\/\/[A-Za-z0-9.:-]+\/token",service="wharfinger")$/.test(
        said ?? "",
      );
    expect([host, said, harmless]).toEqual([host, said, true]);
  }
});

test("nothing else in a request says where tokens are to be had", async () => {
  await using own = await issuingGate();
  await using registry = await startRegistry({ gate: own.gate });
  const said = await challenge(
    registry.port,
    "Host: good.example",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Proto: javascript",
    "Forwarded: host=evil.example",
    "X-Original-URL: http://evil.example/",
  );
  expect(said).toBe('Bearer realm="http://good.example/token",service="wharfinger"');
});

test("a proxy that is trusted says whether it was asked over https", async () => {
  await using own = await issuingGate();
  const asked = async (trustedProxies: string[], proto: string): Promise<string> => {
    await using registry = await startRegistry({ gate: own.gate, trustedProxies });
    const lines = ["Host: good.example", `X-Forwarded-Proto: ${proto}`];
    const said = await challenge(registry.port, ...lines);
    return /realm="([^"]*)"/.exec(said ?? "")?.[1] ?? "";
  };
  expect(await asked(["127.0.0.1"], "https")).toBe("https://good.example/token");
  expect(await asked(["127.0.0.1"], "javascript")).toBe("http://good.example/token");
  expect(await asked(["10.0.0.0/8"], "https")).toBe("http://good.example/token");
});

test("with publicUrl the host that the client sends counts for nothing", async () => {
  await using own = await issuingGate();
  const publicUrl = "https://registry.example.com/here";
  await using registry = await startRegistry({ gate: own.gate, publicUrl });
  for (const host of ["evil.example", 'a"b']) {
    const said = await challenge(registry.port, `Host: ${host}`);
    if (said !== undefined) {
      expect(said).toBe(
        'Bearer realm="https://registry.example.com/here/token",service="wharfinger"',
      );
    }
  }
});

test("with a prefix, tokens are to be had behind it, and are", async () => {
  await using own = await issuingGate();
  await using registry = await startRegistry({
    gate: own.gate,
    publicUrl: "/hub",
    server: { prefix: "/hub" },
  });
  const refused = await registry.ask("GET", "/hub/v2/");
  const realm = `${registry.url}/hub/token`;
  expect(refused.headers.get("www-authenticate")).toContain(`realm="${realm}"`);
  const given = await fetch(`${realm}?service=wharfinger`, { headers: basic("ann", "ann's") });
  expect(given.status).toBe(200);
});

test("without an issuer a password is asked for, and access tokens are taken all the same", async () => {
  await using own = await issuingGate({});
  await using registry = await startRegistry({ gate: own.gate });
  const refused = await registry.ask("GET", "/v2/");
  expect(refused.headers.get("www-authenticate")).toBe('Basic realm="Wharfinger"');
  const text = await own.accessToken({ user: "ann" });
  for (const headers of [basic("ann", text), { authorization: `Bearer ${text}` }]) {
    expect((await registry.ask("GET", "/v2/", { headers })).status).toBe(200);
  }
  const none = await registry.ask("GET", "/token", { headers: basic("ann", text) });
  expect([none.status, none.errors[0]?.code]).toEqual([404, "UNSUPPORTED"]);
});

test("over TLS, tokens are to be had over TLS", async () => {
  await using own = await issuingGate();
  const { certificate, privateKey } = holder("127.0.0.1", { type: "ec" });
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  const tls = { cert: certificate.toString(), key, clientCAs: null, minimum: "1.2" } as const;
  await using registry = await startRegistry({ gate: own.gate, server: { tls } });
  const url = `https://127.0.0.1:${registry.port}`;
  const refused = await fetch(`${url}/v2/`, { tls: { rejectUnauthorized: false } });
  expect(refused.headers.get("www-authenticate")).toContain(`realm="${url}/token"`);
});
