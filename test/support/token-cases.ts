import type { JWK } from "jose";
import { constants, sign } from "node:crypto";
import { holder, type Holder } from "./holders.ts";
import { forge, hmac, type Json } from "./forge.ts";
import { libtrustId, signedBy } from "./token-server.ts";

export const SERVICE = "registry.test";
export const ISSUER = "tokens.test";

/** One token, and where registry:2 and ours differ about it. */
export interface TokenCase {
  readonly what: string;
  /** The whole Authorization header. */
  readonly authorization: string;
  /** Why ours says otherwise than registry:2.8; unset: it says the same. */
  readonly differs?: string;
}

/** Whose certificates are in the bundle. */
export interface Trusted {
  readonly rsa: Holder;
  readonly ec: Holder;
  readonly authority: Holder;
}

export function trusted(): Trusted {
  return {
    rsa: holder("rsa"),
    ec: holder("ec", { type: "ec" }),
    authority: holder("authority", { ca: true, pathLength: 1, keyUsage: "certSign" }),
  };
}

const DAY = 86_400_000;

/** Every kind of token that a registry may be shown, good ones and bad ones. */
export async function tokenCases({ rsa, ec, authority }: Trusted): Promise<TokenCase[]> {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: ISSUER,
    sub: "ann",
    aud: SERVICE,
    exp: now + 300,
    nbf: now,
    iat: now,
    jti: "x",
    access: [{ type: "repository", name: "team/app", actions: ["pull", "push", "delete"] }],
  };
  const byKid = { typ: "JWT", alg: "RS256", kid: libtrustId(rsa.publicKey) };
  const cases: TokenCase[] = [];
  const add = (what: string, token: string, differs?: string, scheme = "Bearer "): void => {
    cases.push({ what, authorization: scheme + token, ...(differs !== undefined && { differs }) });
  };
  const make = (header: Json, by: Pick<Holder, "privateKey"> = rsa, what: Json = claims) =>
    forge(header, what, signedBy(by));
  const jwk = (of: Pick<Holder, "publicKey">): JWK => of.publicKey.export({ format: "jwk" });
  const chain = (...of: Holder[]): Json => ({
    typ: "JWT",
    x5c: of.map(({ base64 }) => base64),
    alg: of[0]!.publicKey.asymmetricKeyType === "rsa" ? "RS256" : "ES256",
  });

  // Whose key it is.
  add("kid of a certificate", await make(byKid));
  add(
    "kid of an EC certificate",
    await make({ ...byKid, alg: "ES256", kid: libtrustId(ec.publicKey) }, ec),
  );
  add("kid of another key", await make({ ...byKid, kid: libtrustId(ec.publicKey) }));
  add("kid that nobody has", await make({ ...byKid, kid: "AAAA:BBBB" }));
  add("kid that is a path", await make({ ...byKid, kid: "../../etc/passwd" }));
  add("no kid", await make({ typ: "JWT", alg: "RS256" }));
  add("jwk of a trusted key", await make({ alg: "RS256", jwk: jwk(rsa) }));
  const stranger = holder("stranger");
  add("jwk of a stranger", await make({ alg: "RS256", jwk: jwk(stranger) }, stranger));
  add(
    "jwk of a stranger under a trusted kid",
    await make({ ...byKid, jwk: { ...jwk(stranger), kid: byKid.kid } }, stranger),
  );
  add(
    "jwk of a trusted key, signed by a stranger",
    await make({ alg: "RS256", jwk: jwk(rsa) }, stranger),
  );
  add("trusted kid, signed by a stranger", await make(byKid, stranger));
  add(
    "jku and x5u of a stranger",
    await make(
      { ...byKid, kid: "x", jku: "http://127.0.0.1:1/", x5u: "http://127.0.0.1:1/" },
      stranger,
    ),
  );

  // Chains of certificates.
  const leaf = holder("leaf", { by: authority });
  add("x5c of the certificate itself", await make(chain(rsa)));
  add("x5c of a certificate that a root signed", await make(chain(leaf), leaf));
  add("x5c, and a kid that nobody has", await make({ ...(chain(leaf) as object), kid: "x" }, leaf));
  add("x5c that is empty, and a trusted kid", await make({ ...byKid, x5c: [] }));
  add("x5c of a stranger, and a trusted kid", await make({ ...byKid, x5c: [stranger.base64] }));
  add("x5c of a stranger", await make(chain(stranger), stranger));
  add(
    "x5c of a stranger, with the root behind him",
    await make(chain(stranger, authority), stranger),
  );
  add("x5c that is no certificate", await make({ ...byKid, x5c: ["AAAA"] }));
  add("x5c that is text", await make({ ...byKid, x5c: rsa.base64 }));
  const between = holder("between", { by: authority, ca: true, keyUsage: "certSign" });
  const far = holder("far", { by: between, type: "ec" });
  add("x5c with one in between", await make(chain(far, between), far));
  add("x5c without the one in between", await make(chain(far), far));
  add("x5c in another order", await make(chain(far, rsa, between), far));
  add(
    "jwk with x5c",
    await make({ alg: "RS256", jwk: { ...jwk(leaf), x5c: [leaf.base64] } }, leaf),
  );
  add(
    "jwk with the x5c of another",
    await make({ alg: "RS256", jwk: { ...jwk(stranger), x5c: [leaf.base64] } }, stranger),
  );
  const third = holder("third", { by: between, ca: true });
  const fourth = holder("fourth", { by: third });
  add("x5c longer than the root allows", await make(chain(fourth, third, between), fourth));
  const plain = holder("plain", { by: authority });
  const under = holder("under", { by: plain });
  add("x5c with one in between that is no authority", await make(chain(under, plain), under));
  const denied = holder("false", { by: authority, ca: false });
  const underFalse = holder("underFalse", { by: denied });
  add(
    "x5c with one in between that says it is none",
    await make(chain(underFalse, denied), underFalse),
  );
  const signer = holder("signer", { by: authority, ca: true, keyUsage: "digitalSignature" });
  const underSigner = holder("underSigner", { by: signer });
  add(
    "x5c with one in between that may not sign",
    await make(chain(underSigner, signer), underSigner),
  );
  const underRsa = holder("underRsa", { by: rsa });
  add(
    "x5c signed by a trusted certificate that is no authority",
    await make(chain(underRsa), underRsa),
  );
  const old = holder("old", {
    by: authority,
    notBefore: Date.now() - 9 * DAY,
    notAfter: Date.now() - DAY,
  });
  add("x5c that has expired", await make(chain(old), old));
  const young = holder("young", {
    by: authority,
    notBefore: Date.now() + DAY,
    notAfter: Date.now() + 9 * DAY,
  });
  add("x5c of tomorrow", await make(chain(young), young));
  const weak = holder("weak", { by: authority, digest: "sha1" });
  add("x5c signed with SHA-1", await make(chain(weak), weak));
  const strange = holder("strange", { by: authority, strange: true });
  add("x5c with a critical extension that nobody knows", await make(chain(strange), strange));
  const faker = holder("authority", { ca: true, keyUsage: "certSign" });
  const faked = holder("faked", { by: faker });
  add("x5c of another authority of the same name", await make(chain(faked, faker), faked));

  // Algorithms.
  const pem = rsa.publicKey.export({ type: "spki", format: "pem" });
  add("alg none", await forge({ ...byKid, alg: "none" }, claims, () => ""));
  add("alg none, signed", await make({ ...byKid, alg: "none" }));
  add("alg HS256 with the public key", await forge({ ...byKid, alg: "HS256" }, claims, hmac(pem)));
  add("alg ES256 with an RSA key", await make({ ...byKid, alg: "ES256" }));
  add("alg RS256 with an EC key", await make({ ...byKid, kid: libtrustId(ec.publicKey) }, ec));
  add("alg RS512, signed with SHA-256", await make({ ...byKid, alg: "RS512" }));
  const pss = (input: string): string =>
    sign("sha256", Buffer.from(input), {
      key: rsa.privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: 32,
    }).toString("base64url");
  add("alg PS256", await forge({ ...byKid, alg: "PS256" }, claims, pss), "registry:3 takes it");
  add(
    "a critical header that nobody knows",
    await make({ ...byKid, crit: ["x"], x: 1 }),
    "RFC 7515 forbids to take it; registry:3 does not either",
  );
  add("another typ", await make({ ...byKid, typ: "x" }));
  add("no typ", await make({ alg: "RS256", kid: byKid.kid }));

  // Claims.
  const says = async (what: string, change: object, differs?: string): Promise<void> =>
    add(what, await make(byKid, rsa, { ...claims, ...change }), differs);
  await says("another issuer", { iss: "elsewhere" });
  await says("no issuer", { iss: undefined });
  await says("another audience", { aud: "elsewhere" });
  await says("no audience", { aud: undefined });
  await says("several audiences", { aud: ["elsewhere", SERVICE] }, "registry:3 takes it");
  await says("several other audiences", { aud: ["elsewhere"] });
  await says("an audience that is a number", { aud: 1 });
  await says("expired within the leeway", { exp: now - 30 });
  await says("expired before it", { exp: now - 90 });
  await says("no end", { exp: undefined });
  await says("an end that is text", { exp: String(now + 300) });
  await says("an end that is a fraction", { exp: now + 300.5 });
  await says("an end beyond all numbers", { exp: 1e300 });
  await says("no beginning", { nbf: undefined });
  await says("a beginning within the leeway", { nbf: now + 30 });
  await says("a beginning after it", { nbf: now + 90 });
  await says("a beginning that is text", { nbf: "0" });
  await says("no subject", { sub: undefined });
  await says("a subject that is a number", { sub: 1 });
  await says("a megabyte", { x: "x".repeat(1 << 20) });
  add("claims that are no JSON", await make(byKid, rsa, "{"));
  add("claims that are a list", await make(byKid, rsa, "[]"));

  // What it grants.
  const grants = (what: string, access: unknown): Promise<void> =>
    says(`access: ${what}`, { access });
  const entry = (...actions: string[]): object => ({
    type: "repository",
    name: "team/app",
    actions,
  });
  await grants("nothing", []);
  await grants("none", undefined);
  await grants("null", null);
  await grants("text", "repository:team/app:pull");
  await grants("pull", [entry("pull")]);
  await grants("push without pull", [entry("push")]);
  await grants("delete", [entry("delete")]);
  await grants("pull and push", [entry("push", "pull")]);
  await grants("everything", [entry("*")]);
  await grants("two entries", [entry("pull"), entry("push")]);
  await grants("no actions", [{ type: "repository", name: "team/app" }]);
  await grants("actions null", [{ type: "repository", name: "team/app", actions: null }]);
  await grants("actions as text", [{ type: "repository", name: "team/app", actions: "pull" }]);
  await grants("unknown actions", [entry("PULL", "administer", "pull,push")]);
  await grants("another repository", [{ type: "repository", name: "team/app2", actions: ["*"] }]);
  await grants("a glob", [{ type: "repository", name: "team/*", actions: ["*"] }]);
  await grants("all repositories", [{ type: "repository", name: "*", actions: ["*"] }]);
  await grants("a class", [
    { type: "repository", class: "plugin", name: "team/app", actions: ["pull"] },
  ]);
  await grants("a class in the type", [
    { type: "repository(plugin)", name: "team/app", actions: ["*"] },
  ]);
  await grants("another type", [{ type: "registry", name: "team/app", actions: ["*"] }]);
  await grants("the catalog", [{ type: "registry", name: "catalog", actions: ["*"] }]);
  await grants("the catalog, to pull", [{ type: "registry", name: "catalog", actions: ["pull"] }]);

  // How it comes.
  const good = await make(byKid);
  add("lower-case bearer", good, undefined, "bearer ");
  add("as Basic", Buffer.from(`ann:${good}`).toString("base64"), undefined, "Basic ");
  add("as Token", good, undefined, "Token ");
  add("without a scheme", good, undefined, "");
  add("empty", "", undefined, "Bearer");
  add("twice", `${good}, Bearer ${good}`);
  add("cut off", good.slice(0, -10));
  add("two parts", "e30.e30");
  add("four parts", `${good}.x`);
  add("padded", `${good}==`);
  return cases;
}
