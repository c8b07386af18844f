import { expect, test } from "bun:test";
import { exportJWK, exportSPKI, generateKeyPair } from "jose";
import { testIssuer, type TestIssuer } from "../../test/support/accounts.ts";
import { failureOf } from "../../test/support/failure.ts";
import { forge, hmac, signed, type Json } from "../../test/support/forge.ts";

const second = 1000;

/** What a genuine token of this issuer says, and how it is signed. */
async function genuine(all: TestIssuer) {
  const now = all.now / second;
  return {
    header: { typ: "JWT", alg: "EdDSA", kid: all.key.id },
    claims: {
      iss: "wharfinger",
      sub: "ann",
      aud: "test",
      iat: now,
      nbf: now,
      exp: now + 300,
      jti: "x",
      password: "password of ann",
      access: [{ type: "repository", name: "app", actions: ["pull"] }],
    },
    sign: signed(all.key.privateKey),
  };
}

type Parts = Awaited<ReturnType<typeof genuine>>;
type Forger = (parts: Parts, all: TestIssuer) => Promise<string> | string;

const withClaims =
  (change: Readonly<Record<string, unknown>>): Forger =>
  ({ header, claims, sign }) =>
    forge(header, { ...claims, ...change }, sign);

/** The claims as text, with one value that JSON.stringify would not write. */
const withText =
  (name: string, text: string): Forger =>
  ({ header, claims, sign }) =>
    forge(header, JSON.stringify({ ...claims, [name]: "@" }).replace('"@"', text), sign);

const withHeader =
  (change: Readonly<Record<string, unknown>>): Forger =>
  ({ header, claims, sign }) =>
    forge({ ...header, ...change }, claims, sign);

/** Signed by somebody else, who puts into the header where his key is. */
const byStranger =
  (describe: (jwk: object) => Readonly<Record<string, unknown>>): Forger =>
  async ({ header, claims }) => {
    const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
    return forge(
      { ...header, ...describe(await exportJWK(publicKey)) },
      claims,
      signed(privateKey),
    );
  };

const withoutTime = (claims: Parts["claims"]): Json => ({ ...claims, exp: undefined });

const forged: Readonly<Record<string, Forger>> = {
  "alg none": ({ header, claims }) => forge({ ...header, alg: "none" }, claims, () => ""),
  "alg None": ({ header, claims }) => forge({ ...header, alg: "None" }, claims, () => ""),
  "no signature": ({ header, claims }) => forge(header, claims, () => ""),
  "alg none with a signature": withHeader({ alg: "none" }),
  "no alg": withHeader({ alg: undefined }),
  "HS256 with the public key as JWK": async ({ header, claims }, all) =>
    forge(
      { ...header, alg: "HS256" },
      claims,
      hmac(JSON.stringify(await exportJWK(all.key.publicKey))),
    ),
  "HS256 with the public key as PEM": async ({ header, claims }, all) =>
    forge({ ...header, alg: "HS256" }, claims, hmac(await exportSPKI(all.key.publicKey))),
  "HS256 with the bytes of the public key": async ({ header, claims }, all) => {
    const { x = "" } = await exportJWK(all.key.publicKey);
    return forge({ ...header, alg: "HS256" }, claims, hmac(Buffer.from(x, "base64url")));
  },
  "HS256 with nothing": ({ header, claims }) =>
    forge({ ...header, alg: "HS256" }, claims, hmac("")),
  "another key": byStranger(() => ({})),
  "its own key in jwk": byStranger((jwk) => ({ jwk })),
  "its own key in jwk, under our name": byStranger((jwk) => ({
    jwk: { ...jwk, kid: "us" },
    kid: "us",
  })),
  "its own key at jku": byStranger(() => ({ jku: "https://evil.example/keys" })),
  "its own key at x5u": byStranger(() => ({ x5u: "http://169.254.169.254/" })),
  "its own certificate in x5c": byStranger(() => ({ x5c: ["MIIB"] })),
  "a kid that is a path": byStranger(() => ({ kid: "../../../../etc/passwd" })),
  "a kid that is SQL": byStranger(() => ({ kid: "' OR 1=1 --" })),
  "a critical header that nobody knows": withHeader({ crit: ["exp"], exp: 1 }),
  "a critical header that is empty": withHeader({ crit: [] }),
  "a payload that is not encoded": withHeader({ b64: false, crit: ["b64"] }),
  "no typ": withHeader({ typ: undefined }),
  "another typ": withHeader({ typ: "at+jwt" }),
  "the typ of a refresh token": withHeader({ typ: "wharf-refresh+jwt" }),
  "another audience": withClaims({ aud: "elsewhere" }),
  "no audience": withClaims({ aud: undefined }),
  "an audience that begins like ours": withClaims({ aud: "test.evil" }),
  "another issuer": withClaims({ iss: "elsewhere" }),
  "no issuer": withClaims({ iss: undefined }),
  "expired a second ago": ({ header, claims, sign }) =>
    forge(header, { ...claims, exp: claims.iat - 1 }, sign),
  "not yet valid": ({ header, claims, sign }) =>
    forge(header, { ...claims, nbf: claims.iat + 60 }, sign),
  "exp is text": withClaims({ exp: "9999999999" }),
  "exp is a list": withClaims({ exp: [9999999999] }),
  "exp is null": withClaims({ exp: null }),
  "exp is true": withClaims({ exp: true }),
  "exp is 1e400": withText("exp", "1e400"),
  "exp is a fraction": withText("exp", "9999999999.5"),
  "exp is beyond all numbers": withText("exp", "99999999999999999999999"),
  "no exp": ({ header, claims, sign }) => forge(header, withoutTime(claims), sign),
  "nbf is text": withClaims({ nbf: "0" }),
  "another user, without what he showed": withClaims({ sub: "root", password: undefined }),
  "another user with ann's password": withClaims({ sub: "bob" }),
  "a password that is a number": withClaims({ password: 1 }),
  "an access token that there is none of": withClaims({ accessToken: "abcdefghijkl" }),
  "access is text": withClaims({ access: "repository:app:*" }),
  "access has null in it": withClaims({ access: [null] }),
  "actions are text": withClaims({
    access: [{ type: "repository", name: "app", actions: "pull" }],
  }),
  "a name that is a list": withClaims({
    access: [{ type: "repository", name: ["app"], actions: [] }],
  }),
  "sub is a number": withClaims({ sub: 1 }),
  "claims are no JSON": ({ header, sign }) => forge(header, "{", sign),
  "claims are a list": ({ header, sign }) => forge(header, "[]", sign),
  "the header is no JSON": ({ claims, sign }) => forge("{", claims, sign),
  "another payload under the signature": async ({ header, claims, sign }) => {
    const [, , signature] = (await forge(header, claims, sign)).split(".");
    const others: Json = { ...claims, jti: "y" };
    return forge(header, others, () => signature!);
  },
  "one bit of the signature turned": async ({ header, claims, sign }) => {
    const token = await forge(header, claims, sign);
    const bytes = Buffer.from(token.split(".")[2]!, "base64url");
    bytes[0]! ^= 1;
    return `${token.slice(0, token.lastIndexOf("."))}.${bytes.toString("base64url")}`;
  },
  "a fourth part": async ({ header, claims, sign }) => `${await forge(header, claims, sign)}.x`,
  "two parts": () => "e30.e30",
  "nothing between dots": () => "..",
  "a megabyte": ({ header, claims, sign }) =>
    forge({ ...header, x: "x".repeat(1 << 20) }, claims, sign),
  "a megabyte of dots": () => ".".repeat(1 << 20),
};

for (const [what, make] of Object.entries(forged)) {
  test(`refused: ${what}`, async () => {
    await using all = await testIssuer();
    all.accounts.add("ann", "pull *");
    all.accounts.add("bob", "pull *");
    all.accounts.add("root", "pull *", "administer *");
    const token = await make(await genuine(all), all);
    const failure = await failureOf(Promise.try(() => all.issuer.identify(token)));
    expect(failure.kind).toBe("UNAUTHORIZED");
    expect(failure.detail["error"]).toBe("invalid_token");
    // Refused the second time as well, whatever was remembered of the first.
    await failureOf(Promise.try(() => all.issuer.identify(token)));
  });
}

test("and the token that they were all made from is taken", async () => {
  await using all = await testIssuer();
  all.accounts.add("ann", "pull *");
  const { header, claims, sign } = await genuine(all);
  expect((await all.issuer.identify(await forge(header, claims, sign))).name).toBe("ann");
  // Several audiences are as good as one.
  const several = await forge(header, { ...claims, aud: ["elsewhere", "test"] }, sign);
  expect((await all.issuer.identify(several)).name).toBe("ann");
});
