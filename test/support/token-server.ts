import { createHash, sign, type KeyObject } from "node:crypto";
import type { Holder } from "./holders.ts";
import { fakeRegistry, type FakeRegistry } from "./fake-registry.ts";
import { forge, type Json } from "./forge.ts";

/** Who gets what at a token server: name to password and what he may do, as `pull team/app`. */
export type TokenUsers = Readonly<
  Record<string, { readonly password: string; readonly may: readonly string[] }>
>;

export interface TokenServerOptions {
  readonly signer: Holder;
  readonly service: string;
  readonly issuer: string;
  readonly users: TokenUsers;
}

/**
 * A token server in the manner of those that people run beside a registry: Basic authentication, scopes cut
 * down to what the user may, RS256 with the certificate in `x5c`.
 */
export function tokenServer({ signer, service, issuer, users }: TokenServerOptions): FakeRegistry {
  return fakeRegistry(async ({ path, authorization }) => {
    const { searchParams: query } = new URL(path, "http://localhost");
    const [name = "", password] = Buffer.from(authorization?.split(" ")[1] ?? "", "base64")
      .toString()
      .split(":");
    const user = users[name];
    if (!user || user.password !== password) return new Response("no", { status: 401 });
    if (query.get("service") !== service) return new Response("not here", { status: 400 });
    const access = query.getAll("scope").flatMap((list) =>
      list.split(" ").map((scope) => {
        const [type = "", resource = "", actions = ""] = scope.split(":");
        const granted = actions.split(",").filter((one) => user.may.includes(`${one} ${resource}`));
        return { type, name: resource, actions: granted };
      }),
    );
    const now = Math.floor(Date.now() / 1000);
    const times = { iat: now, nbf: now, exp: now + 300 };
    const claims = {
      iss: issuer,
      sub: name,
      aud: service,
      ...times,
      jti: crypto.randomUUID(),
      access,
    };
    const header = { typ: "JWT", alg: "RS256", x5c: [signer.base64] };
    return Response.json({ token: await forge(header, claims, signedBy(signer)), expires_in: 300 });
  });
}

/** RS256 or ES256, whatever the key is for. */
export function signedBy({ privateKey }: Pick<Holder, "privateKey">): (input: string) => string {
  return (input) =>
    sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString(
      "base64url",
    );
}

/** The name that registry:2 gives a key: the first 240 bits of its SHA-256, as base32 in groups of four. */
export function libtrustId(key: KeyObject): string {
  const digest = createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();
  let bits = 0n;
  for (const byte of digest.subarray(0, 30)) bits = (bits << 8n) | BigInt(byte);
  const letters = Array.from(
    { length: 48 },
    (_, at) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[Number((bits >> BigInt(235 - at * 5)) & 31n)],
  );
  return letters.join("").match(/.{4}/g)!.join(":");
}

export type { Json };
