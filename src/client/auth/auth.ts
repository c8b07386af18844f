import { RegistryError } from "../../oci/errors.ts";
import type { RegistryAddress } from "../address.ts";
import type { Transport } from "../http/transport.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { CredentialSource, Credentials } from "./credentials.ts";
import { type Token, basic, fetchToken, secretsOf } from "./token.ts";

/** Convinces one registry. Credentials are looked up only when it asks for them. */
export interface Authorizer {
  /** The value of Authorization that was good for this scope before, or null: then ask without. */
  known(scope: string): string | null;
  /**
   * The value that answers a `WWW-Authenticate`; `refused` is the one that was just refused. Throws
   * CREDENTIALS when there is nothing else to answer with.
   */
  answer(header: string | null, scope: string, refused: string | null): Promise<string>;
  /** All that must never be shown. */
  secrets(): readonly string[];
}

/** Milliseconds before its end at which a token is no longer used: the way takes time, and clocks differ. */
const MARGIN_MS = 10_000;

export function createAuthorizer(
  address: RegistryAddress,
  source: CredentialSource,
  transport: Transport,
  now: () => number = Date.now,
): Authorizer {
  /** The first answer of the source, for good. */
  let credentials: Promise<Credentials | null> | undefined;
  /** What is good for every scope: a password, or a token that does not expire. */
  let shared: string | null = null;
  const tokens = new Map<string, Token>();
  const secrets = new Set<string>();

  const find = async (): Promise<Credentials | null> => {
    credentials ??= source.find(address.host);
    const found = await credentials;
    for (const secret of found ? secretsOf(found) : []) secrets.add(secret);
    return found;
  };

  const known = (scope: string): string | null => {
    if (shared !== null) return shared;
    const token = tokens.get(scope);
    if (!token || token.expiresAt - MARGIN_MS < now()) return null;
    return `Bearer ${token.token}`;
  };

  const bearer = async (challenge: Challenge, scope: string): Promise<string> => {
    const found = await find();
    if (found?.kind === "bearer") {
      shared = `Bearer ${found.token}`;
      return shared;
    }
    const request = tokenRequest(challenge, scope);
    const token = await fetchToken(request, found, address, transport, now);
    secrets.add(token.token);
    tokens.set(scope, token);
    return `Bearer ${token.token}`;
  };

  const password = async (): Promise<string> => {
    const found = await find();
    if (found?.kind !== "password") throw missing(address, found);
    shared = basic(found);
    return shared;
  };

  return {
    known,
    async answer(header, scope, refused) {
      // Another request may have been answered while this one was on its way.
      const meanwhile = known(scope);
      if (meanwhile !== null && meanwhile !== refused) return meanwhile;
      const challenges = parseChallenges(header ?? "");
      const token = challenges.find(({ scheme }) => scheme === "bearer");
      if (!token && !challenges.some(({ scheme }) => scheme === "basic")) throw cannot(address);
      const authorization = await (token ? bearer(token, scope) : password());
      if (authorization === refused) throw useless(address, await find());
      return authorization;
    },
    secrets: () => [...secrets],
  };
}

function tokenRequest({ parameters }: Challenge, scope: string) {
  const scopes = parameters.get("scope")?.split(" ").filter(Boolean) ?? [];
  return {
    realm: parameters.get("realm") ?? "",
    service: parameters.get("service") ?? "",
    scopes: scopes.length > 0 ? scopes : [scope],
  };
}

function missing({ host }: RegistryAddress, found: Credentials | null): RegistryError {
  const have = found ? `${found.from} has only a token for it` : "there are none for it";
  return new RegistryError("CREDENTIALS", {
    reason: `${host} wants a user and a password, and ${have}`,
  });
}

function useless({ host }: RegistryAddress, found: Credentials | null): RegistryError {
  const which = found ? `those in ${found.from}` : "none";
  return new RegistryError("CREDENTIALS", { reason: `${host} does not take ${which}` });
}

function cannot({ host }: RegistryAddress): RegistryError {
  const reason = `${host} answers 401 and names no way that is known here (Basic, Bearer)`;
  return new RegistryError("CREDENTIALS", { reason });
}
