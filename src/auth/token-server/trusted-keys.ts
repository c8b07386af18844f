import { type KeyObject, createHash, createPublicKey } from "node:crypto";
import { RegistryError } from "../../oci/errors.ts";
import { isRecord } from "../../oci/json.ts";
import { certificatesIn } from "../pem.ts";
import { type Certificate, readCertificate } from "./chain.ts";

/** Whose signatures count. */
export interface TrustedKeys {
  /** By every name that a token may give a key in `kid`. */
  readonly byId: ReadonlyMap<string, KeyObject>;
  /** A key whose certificate one of these vouches for counts as well. */
  readonly roots: readonly Certificate[];
}

/** The certificates of a PEM file; whatever else is in it does not count. Throws CONFIG_INVALID. */
export function readBundle(path: string, text: string | null): TrustedKeys {
  const broken = (why: string, cause?: unknown): RegistryError =>
    invalid(`rootCertBundle: ${path} ${why}`, cause);
  if (text === null) throw broken("is not there");
  const blocks = certificatesIn(text);
  if (blocks.length === 0) throw broken("has no certificate in it");
  const byId = new Map<string, KeyObject>();
  const roots: Certificate[] = [];
  for (const block of blocks) {
    try {
      const certificate = readCertificate(block);
      roots.push(certificate);
      const key = certificate.x509.publicKey;
      for (const id of idsOf(key)) byId.set(id, key);
    } catch (error) {
      throw broken(`has a certificate in it that cannot be read`, error);
    }
  }
  return { byId, roots };
}

/** The public keys of a JSON Web Key Set, by their `kid`. Throws CONFIG_INVALID. */
export function readJwks(path: string, text: string | null): TrustedKeys {
  const broken = (why: string, cause?: unknown): RegistryError =>
    invalid(`jwks: ${path} ${why}`, cause);
  if (text === null) throw broken("is not there");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw broken("is not JSON", error);
  }
  const keys = isRecord(value) ? value["keys"] : undefined;
  if (!Array.isArray(keys)) throw broken("has no list `keys`");
  const byId = new Map<string, KeyObject>();
  for (const jwk of keys as unknown[]) {
    // A secret that is shared can be used by whoever checks with it: it proves nothing.
    if (!isRecord(jwk) || jwk["kty"] === "oct") continue;
    try {
      const key = createPublicKey({ key: jwk, format: "jwk" });
      const ids = typeof jwk["kid"] === "string" && jwk["kid"] ? [jwk["kid"]] : idsOf(key);
      for (const id of ids) byId.set(id, key);
    } catch (error) {
      throw broken("has a key in it that cannot be read", error);
    }
  }
  if (byId.size === 0) throw broken("has no public key in it");
  return { byId, roots: [] };
}

/** The names of a key: as registry:2 computes them, and as registry:3 does. Pure. */
export function idsOf(key: KeyObject): string[] {
  return [fingerprint(key), thumbprint(key)];
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The first 240 bits of the key's SHA-256, in twelve groups of four letters (libtrust). */
function fingerprint(key: KeyObject): string {
  const der = key.export({ type: "spki", format: "der" });
  const bits = [...createHash("sha256").update(der).digest().subarray(0, 30)]
    .map((byte) => byte.toString(2).padStart(8, "0"))
    .join("");
  const letters = bits.replace(/.{5}/g, (five) => BASE32[Number.parseInt(five, 2)] ?? "");
  return letters.replace(/.{4}(?!$)/g, "$&:");
}

/** RFC 7638. */
function thumbprint(key: KeyObject): string {
  const { crv, e, kty, n, x, y } = key.export({ format: "jwk" });
  // The members in alphabetical order; those that a key of this type has not are left out.
  const canonical = JSON.stringify({ crv, e, kty, n, x, y });
  return createHash("sha256").update(canonical).digest("base64url");
}

function invalid(reason: string, cause: unknown): RegistryError {
  return new RegistryError("CONFIG_INVALID", { reason: `auth.token: ${reason}` }, { cause });
}
