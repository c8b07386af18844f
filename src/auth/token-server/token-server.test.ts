import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import fc from "fast-check";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";
import { holder } from "../../../test/support/holders.ts";
import { failureOf } from "../../../test/support/failure.ts";
import { temporaryFolder, type Folder } from "../../../test/support/folder.ts";
import { forge, hmac, signed } from "../../../test/support/forge.ts";
import { libtrustId, signedBy } from "../../../test/support/token-server.ts";
import { parseName } from "../../oci/name.ts";
import type { Caller } from "../caller.ts";
import { certificateFacts } from "./der.ts";
import { TokenServer, type TokenServerSettings } from "./token-server.ts";

const app = parseName("app");
const start = Date.UTC(2026, 5, 1);

/** A server's settings and claims that are right for it. */
function usual(more: Partial<TokenServerSettings>): TokenServerSettings {
  return { realm: "https://tokens.example/token", service: "here", issuer: "there", ...more };
}
const seconds = start / 1000;
const claims = {
  iss: "there",
  sub: "ann",
  aud: "here",
  exp: seconds + 300,
  nbf: seconds,
  iat: seconds,
  access: [{ type: "repository", name: "app", actions: ["*"] }],
};

interface Known {
  readonly server: TokenServer;
  now: number;
  readonly takes: (token: string) => Promise<boolean>;
}

function opened(settings: TokenServerSettings): Known {
  const known: Known = {
    server: new TokenServer(settings, () => known.now, { every: 0 }),
    now: start,
    takes: (token) =>
      Promise.try(() => known.server.identify(token)).then(
        (caller) => caller.name === "ann",
        () => false,
      ),
  };
  return known;
}

async function keySet(folder: Folder, ...keys: readonly object[]): Promise<string> {
  const path = folder.at("jwks.json");
  await writeFile(path, JSON.stringify({ keys }));
  return path;
}

async function pair(alg: string, kid?: string) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk: JWK = { ...(await exportJWK(publicKey)), ...(kid !== undefined && { kid }) };
  return {
    jwk,
    token: (header: object = { kid }) => forge({ alg, ...header }, claims, signed(privateKey)),
  };
}

describe("keys of a JSON Web Key Set", () => {
  test("are known by their kid, or by their thumbprint when they have none", async () => {
    await using folder = await temporaryFolder();
    const [ed, ec, other] = [
      await pair("EdDSA", "first"),
      await pair("ES256"),
      await pair("ES256", "x"),
    ];
    const { takes } = opened(usual({ jwks: await keySet(folder, ed.jwk, ec.jwk) }));
    expect(await takes(await ed.token())).toBe(true);
    expect(await takes(await ec.token({ kid: await calculateJwkThumbprint(ec.jwk) }))).toBe(true);
    expect(await takes(await ed.token({ kid: await calculateJwkThumbprint(ed.jwk) }))).toBe(false);
    expect(await takes(await other.token({ kid: "first" }))).toBe(false);
    expect(await takes(await ed.token({}))).toBe(false);
    // Shown as jwk, a key is only a name for one of ours.
    expect(await takes(await ec.token({ jwk: ec.jwk }))).toBe(true);
    expect(await takes(await other.token({ jwk: other.jwk, kid: "first" }))).toBe(false);
  });

  test("that are shared secrets count for nothing", async () => {
    await using folder = await temporaryFolder();
    const k = Buffer.from("a secret that is long enough for HS256").toString("base64url");
    const ed = await pair("EdDSA", "first");
    const oct = { kty: "oct", k, kid: "shared" };
    const { takes } = opened(usual({ jwks: await keySet(folder, oct, ed.jwk) }));
    const header = { alg: "HS256", kid: "shared" };
    expect(await takes(await forge(header, claims, hmac(Buffer.from(k, "base64url"))))).toBe(false);
    const alone = await keySet(folder, oct);
    const failure = await failureOf(Promise.try(() => opened(usual({ jwks: alone }))));
    expect([failure.kind, failure.message]).toEqual([
      "CONFIG_INVALID",
      expect.stringContaining("no public key"),
    ]);
  });

  test("are read again: a key that went is worth nothing, also for a token that was taken before", async () => {
    await using folder = await temporaryFolder();
    const [one, two] = [await pair("EdDSA", "one"), await pair("EdDSA", "two")];
    const { takes } = opened(usual({ jwks: await keySet(folder, one.jwk) }));
    const [first, second] = [await one.token(), await two.token()];
    expect([await takes(first), await takes(second)]).toEqual([true, false]);
    await keySet(folder, two.jwk);
    expect([await takes(first), await takes(second)]).toEqual([false, true]);
    // A file that breaks, or goes, changes nothing.
    await writeFile(folder.at("jwks.json"), "{");
    expect([await takes(first), await takes(second)]).toEqual([false, true]);
  });
});

test("the certificates of a bundle are known by the names of registry:2 and of registry:3", async () => {
  await using folder = await temporaryFolder();
  const long = { notBefore: 0, notAfter: start * 2 };
  const [rsa, ec] = [holder("rsa", long), holder("ec", { type: "ec", ...long })];
  const rootCertBundle = folder.at("bundle.pem");
  const text = `# ours\n${rsa.certificate.toString()}\n\n${ec.certificate.toString()}`;
  await writeFile(rootCertBundle, text);
  const { takes } = opened(usual({ rootCertBundle }));
  for (const { one, alg } of [
    { one: rsa, alg: "RS256" },
    { one: ec, alg: "ES256" },
  ]) {
    const thumbprint = await calculateJwkThumbprint(one.publicKey.export({ format: "jwk" }));
    const sign = signedBy(one);
    for (const kid of [libtrustId(one.publicKey), thumbprint]) {
      expect(await takes(await forge({ alg, kid }, claims, sign))).toBe(true);
    }
    expect(await takes(await forge({ alg, x5c: [one.base64] }, claims, sign))).toBe(true);
  }
});

test("only algorithms that are allowed are taken", async () => {
  await using folder = await temporaryFolder();
  const [ed, ec] = [await pair("EdDSA", "ed"), await pair("ES256", "ec")];
  const jwks = await keySet(folder, ed.jwk, ec.jwk);
  const { takes } = opened(usual({ jwks, signingAlgorithms: ["ES256", "HS256"] }));
  expect([await takes(await ed.token()), await takes(await ec.token())]).toEqual([false, true]);
  for (const signingAlgorithms of [["HS256"], ["none"], ["ES256", "none"], ["es256"], []]) {
    const failure = await failureOf(Promise.try(() => opened(usual({ jwks, signingAlgorithms }))));
    expect(failure.kind).toBe("CONFIG_INVALID");
  }
});

test("a token grants what it says: no administration, nothing everywhere, the catalog by its own name", async () => {
  await using folder = await temporaryFolder();
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { extractable: true });
  const jwks = await keySet(folder, { ...(await exportJWK(publicKey)), kid: "k" });
  const { server } = opened(usual({ jwks }));
  const caller = async (change: object): Promise<Caller> =>
    server.identify(
      await forge({ alg: "EdDSA", kid: "k" }, { ...claims, ...change }, signed(privateKey)),
    );
  const all = await caller({});
  expect(["pull", "push", "delete"].every((one) => all.may(one as "pull", app))).toBe(true);
  expect([all.may("administer", app), all.mayEverywhere("pull")]).toEqual([false, false]);
  expect([all.name, all.limited, all.lists, all.credential]).toEqual([
    "ann",
    true,
    null,
    undefined,
  ]);
  const catalog = await caller({
    sub: "",
    access: [{ type: "registry", name: "catalog", actions: ["*"] }],
  });
  expect([catalog.name, catalog.lists?.(app), catalog.may("pull", app)]).toEqual([
    null,
    true,
    false,
  ]);
});

test("a token that was taken is refused when its time is over, and when the clock jumps", async () => {
  await using folder = await temporaryFolder();
  const ed = await pair("EdDSA", "k");
  const known = opened(usual({ jwks: await keySet(folder, ed.jwk) }));
  const token = await ed.token();
  const at = (after: number): Promise<boolean> => {
    known.now = start + after;
    return known.takes(token);
  };
  const year = 365 * 86_400_000;
  const steps = [0, 359_999, 360_000, year, -60_000, -60_001, -year, 1000];
  const seen: boolean[] = [];
  for (const step of steps) seen.push(await at(step));
  expect(seen).toEqual([true, true, false, false, true, false, false, true]);
});

describe("files that name no key", () => {
  const broken: readonly (readonly ["jwks" | "rootCertBundle", string | null])[] = [
    ["jwks", null],
    ["jwks", ""],
    ["jwks", "{"],
    ["jwks", "[]"],
    ["jwks", '{"keys":{}}'],
    ["jwks", '{"keys":[]}'],
    ["jwks", '{"keys":[{"kty":"RSA"}]}'],
    ["rootCertBundle", null],
    ["rootCertBundle", ""],
    ["rootCertBundle", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
    ["rootCertBundle", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"],
  ];
  for (const [setting, text] of broken) {
    test(`${setting}: ${JSON.stringify(text)}`, async () => {
      await using folder = await temporaryFolder();
      if (text !== null) await writeFile(folder.at("file"), text);
      const failure = await failureOf(
        Promise.try(() => opened(usual({ [setting]: folder.at("file") }))),
      );
      expect(failure.kind).toBe("CONFIG_INVALID");
      expect(failure.message).toContain(`auth.token: ${setting}: `);
    });
  }
});

test("no damage to a certificate makes its reader do anything but fail or read", () => {
  const { raw } = holder("x", { ca: true, pathLength: 2, keyUsage: "certSign" }).certificate;
  fc.assert(
    fc.property(fc.nat(raw.length - 1), fc.nat(255), fc.nat(raw.length), (at, byte, length) => {
      const damaged = Uint8Array.from(raw);
      damaged[at] = byte;
      try {
        certificateFacts(damaged.subarray(0, Math.max(length, raw.length - length)));
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 2000 },
  );
});
