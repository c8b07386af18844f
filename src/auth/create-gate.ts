import type { Config } from "../config/schema.ts";
import { RegistryError } from "../oci/errors.ts";
import { type Gate, OPEN_GATE } from "./gate.ts";
import { HtpasswdFile, type Warn } from "./htpasswd-file.ts";
import { passwordGate } from "./password-gate.ts";
import { compileRules } from "./rules.ts";

/**
 * The gate that the configuration asks for, with its users read. `htpasswd`: the file of users where the
 * configuration names none. Throws CONFIG_INVALID.
 */
export async function createGate(
  auth: Config["auth"],
  htpasswd: string,
  warn: Warn,
): Promise<Gate> {
  if (auth === undefined || auth === "none") return OPEN_GATE;
  // What would protect something and does not yet must not be silently off.
  for (const setting of ["issuer", "token"] as const) {
    if (auth[setting])
      throw new RegistryError("CONFIG_INVALID", { reason: `auth.${setting}: not yet` });
  }
  if (!/^[\x20-\x7e]+$/.test(auth.realm)) {
    const reason = "auth.realm: it travels in a header, and must be printable ASCII";
    throw new RegistryError("CONFIG_INVALID", { reason });
  }
  const now = (): number => performance.now();
  const source = new HtpasswdFile(auth.htpasswd ?? htpasswd, warn);
  const gate = passwordGate({ realm: auth.realm, rules: compileRules(auth), source, now });
  await source.users(now());
  return gate;
}
