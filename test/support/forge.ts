import { createHmac } from "node:crypto";

/** JSON text, so that a test can also send what `JSON.stringify` would never write. */
export type Json = string | Readonly<Record<string, unknown>>;

function encode(value: Json): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString(
    "base64url",
  );
}

/** A token in its compact form, with whatever header, claims and signature a test wants. */
export async function forge(
  header: Json,
  claims: Json,
  sign: (input: string) => string | Promise<string>,
): Promise<string> {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${await sign(input)}`;
}

/** HS256 with any text or bytes as the secret. */
export function hmac(secret: string | Uint8Array): (input: string) => string {
  return (input) => createHmac("sha256", secret).update(input).digest("base64url");
}

/** A signature with a private key of the Web Crypto API. */
export function signed(key: CryptoKey): (input: string) => Promise<string> {
  return async (input) => {
    const { name } = key.algorithm;
    const parameters = name === "ECDSA" ? { name, hash: "SHA-256" } : { name };
    const bytes = await crypto.subtle.sign(parameters, key, new TextEncoder().encode(input));
    return Buffer.from(bytes).toString("base64url");
  };
}
