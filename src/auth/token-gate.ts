import { RegistryError } from "../oci/errors.ts";
import { parseBasic } from "./basic.ts";
import { parseBearer } from "./bearer.ts";
import { type Caller, NOBODY } from "./caller.ts";
import { bearerChallenge } from "./challenge.ts";
import type { Gate } from "./gate.ts";
import type { Issuer } from "./issuer.ts";
import type { Principals } from "./principals.ts";
import type { TokenServer } from "./token-server/token-server.ts";

/** Where this registry's own tokens are issued. */
export const TOKEN_PATH = "/token";

/** `wharf_`, the id, `_` and the secret behind a name and a colon, as base64: shorter headers hold no token. */
const SHORTEST_BASIC = "Basic ".length + Math.floor((64 * 4) / 3) - 2;

/**
 * Lets in, besides whom `passwords` lets in, whoever shows an access token, as a password or as Bearer, and,
 * where tokens are issued, whoever shows one of those.
 */
export function tokenGate(passwords: Gate, principals: Principals, issuer: Issuer | null): Gate {
  const withBearer = (token: string): Caller | Promise<Caller> => {
    const caller = principals.tokens.identify(token, null) ?? issuer?.identify(token);
    if (caller) return caller;
    throw new RegistryError("UNAUTHORIZED", { reason: "this is no token of this registry" });
  };
  const withPassword = (header: string): Caller | null => {
    const credentials = header.length < SHORTEST_BASIC ? null : parseBasic(header);
    if (!credentials) return null;
    const password = Buffer.from(credentials.password).toString("latin1");
    return principals.tokens.identify(password, credentials.name);
  };
  return {
    identify(headers, sender) {
      const header = headers.get("authorization");
      if (header === null) return passwords.identify(headers, sender);
      const token = parseBearer(header);
      if (token !== null) return withBearer(token);
      return withPassword(header) ?? passwords.identify(headers, sender);
    },
    challenge(scope, base = null, error = null) {
      // Whoever sends no host that could stand in a URL is still told that he needs a password.
      if (!issuer || base === null) return passwords.challenge(scope, base, error);
      return bearerChallenge({ realm: base + TOKEN_PATH, service: issuer.service, scope, error });
    },
    ...(issuer && { login: passwords.challenge(null) ?? undefined, issuer }),
  };
}

/** Lets in whoever shows a token of a token server elsewhere, and nobody else. */
export function tokenServerGate(server: TokenServer): Gate {
  const { realm, service } = server.settings;
  return {
    identify(headers) {
      const header = headers.get("authorization");
      if (header === null) return NOBODY;
      const token = parseBearer(header);
      if (token !== null) return server.identify(token);
      throw new RegistryError("UNAUTHORIZED", { reason: "this registry takes tokens only" });
    },
    challenge: (scope, _base, error = null) => bearerChallenge({ realm, service, scope, error }),
  };
}
