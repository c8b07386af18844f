import {
  type CryptoKey,
  type JWK,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
} from "jose";
import { RegistryError } from "../oci/errors.ts";
import { isRecord } from "../oci/json.ts";
import { rewriteFile } from "./rewrite-file.ts";

/** Its name, below `wharfinger/` in the data folder. Without it every issued token is worth nothing. */
export const KEY_FILE = "token-key.json";

/** Short, fast, and the same signature every time: no random numbers are needed that could be bad. */
export const ALGORITHM = "EdDSA";

/** What signs the tokens that this registry issues, and checks them. */
export interface TokenKey {
  readonly id: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** Reads the key pair of a file; where there is none it is made, durably. Rejects with DATA_FOLDER. */
export async function openTokenKey(path: string): Promise<TokenKey> {
  const made = await newKey();
  let jwk: unknown;
  await rewriteFile(path, "DATA_FOLDER", (content) => {
    jwk = content === null ? made : parse(path, content.toString("utf8"));
    return content === null ? `${JSON.stringify(made)}\n` : null;
  });
  try {
    const whole = jwk as JWK;
    const { d: _, ...open } = whole;
    return {
      id: await calculateJwkThumbprint(open),
      privateKey: (await importJWK(whole, ALGORITHM)) as CryptoKey,
      publicKey: (await importJWK(open, ALGORITHM)) as CryptoKey,
    };
  } catch (error) {
    throw broken(path, error);
  }
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { crv: "Ed25519", extractable: true });
  return await exportJWK(privateKey);
}

function parse(path: string, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw broken(path, error);
  }
  if (isRecord(value) && value["kty"] === "OKP" && typeof value["d"] === "string") return value;
  throw broken(path);
}

function broken(path: string, cause?: unknown): RegistryError {
  const reason = `${path} is not the key that was written there; delete it to get a new one, and log in again everywhere`;
  return new RegistryError("DATA_FOLDER", { reason }, { cause });
}
