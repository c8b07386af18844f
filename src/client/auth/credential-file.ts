import { RegistryError } from "../../oci/errors.ts";
import { isRecord } from "../../oci/json.ts";
import type { Credentials } from "./credentials.ts";

/** A `config.json` of docker or an `auth.json` of podman: both have one form. */
export interface CredentialFile {
  /** By `HOST[:PORT]`. */
  readonly entries: ReadonlyMap<string, Credentials>;
  /** The names of helpers by `HOST[:PORT]`. */
  readonly helpers: ReadonlyMap<string, string>;
  /** The helper for all other hosts. */
  readonly store: string | null;
}

/** Pure. Throws CREDENTIALS, without a word of the content, when the text is not a JSON object. */
export function parseCredentialFile(text: string, path: string): CredentialFile {
  let value: unknown;
  try {
    // A parser's message may quote the text; it goes no further.
    value = text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    value = null;
  }
  if (!isRecord(value))
    throw new RegistryError("CREDENTIALS", { reason: `${path} is not a JSON object` });
  const { auths, credHelpers, credsStore } = value;
  return {
    entries: byHost(auths, (entry) => credentialsOf(entry, path)),
    helpers: byHost(credHelpers, (name) => (typeof name === "string" && name ? name : null)),
    store: typeof credsStore === "string" && credsStore ? credsStore : null,
  };
}

/** A key may be an old URL of the host; the plain host wins over that. */
function byHost<T>(value: unknown, read: (entry: unknown) => T | null): Map<string, T> {
  const map = new Map<string, T>();
  for (const [key, entry] of isRecord(value) ? Object.entries(value) : []) {
    const host = hostOf(key);
    const one = read(entry);
    if (one !== null && (host === key || !map.has(host))) map.set(host, one);
  }
  return map;
}

function hostOf(key: string): string {
  const host = key.replace(/^https?:\/\//, "").replace(/(?:\/v[12])?\/?$/, "");
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}

function credentialsOf(entry: unknown, from: string): Credentials | null {
  if (!isRecord(entry)) return null;
  const { identitytoken, registrytoken, auth, username, password } = entry;
  if (typeof identitytoken === "string" && identitytoken) {
    return { kind: "identity", token: identitytoken, from };
  }
  if (typeof registrytoken === "string" && registrytoken) {
    return { kind: "bearer", token: registrytoken, from };
  }
  if (typeof auth === "string" && auth) return decode(auth, from);
  if (typeof username !== "string" || typeof password !== "string" || !username) return null;
  return { kind: "password", username, password, from };
}

/** `auth` is base64 of `user:password`; a password may have colons, a user not. Docker ends some with NULs. */
function decode(auth: string, from: string): Credentials | null {
  const text = Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "");
  const colon = text.indexOf(":");
  if (colon < 1) return null;
  return {
    kind: "password",
    username: text.slice(0, colon),
    password: text.slice(colon + 1),
    from,
  };
}
