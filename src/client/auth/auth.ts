import { RegistryError } from "../../oci/errors.ts";
import type { RegistryAddress } from "../address.ts";
import { decoded, holds } from "../http/secrets.ts";
import type { Transport } from "../http/transport.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { CredentialSource, Credentials } from "./credentials.ts";
import { scopesFor } from "./scopes.ts";
import { readRealm, strangerRealm } from "./realm.ts";
import { type Token, basic, fetchToken, secretsOf } from "./token.ts";

/** Convinces one registry. Credentials are looked up only when it asks for them. */
export interface Authorizer {
  /** The value of Authorization that was good for this scope before, or null: then ask without. */
  known(scope: string): string | null;
  /** The same; where nothing was asked for yet, the password or the token as they are, if there is one. */
  unasked(scope: string): Promise<string | null>;
  /** The value that answers a 401. Throws CREDENTIALS when there is nothing else to answer with. */
  answer(refusal: Refusal, scope: string): Promise<string>;
  /** All that must never be shown. */
  secrets(): readonly string[];
}

/** A 401 of the registry. */
export interface Refusal {
  /** Its `WWW-Authenticate`. */
  readonly header: string | null;
  /** The value that was just refused. */
  readonly refused: string | null;
  /** The IP address that refused. */
  readonly peer: string | null;
}

export interface AuthorizerOptions {
  readonly credentials: CredentialSource;
  readonly transport: Transport;
  /** The token server may be in the private network although the registry is not. */
  readonly privateRealm?: boolean | undefined;
  /** `HOST[:PORT]` of token servers outside of the registry's domain. */
  readonly tokenServers?: readonly string[] | undefined;
  /** What must never be shown as well. */
  readonly secrets?: readonly string[] | undefined;
  /** UTC milliseconds. */
  readonly now?: () => number;
}

/** Milliseconds before its end at which a token is no longer used: the way takes time, and clocks differ. */
const MARGIN_MS = 10_000;
/** Tokens that are kept, one for each scope; the oldest goes. */
const MOST_TOKENS = 4096;

export function createAuthorizer(address: RegistryAddress, options: AuthorizerOptions): Authorizer {
  const { credentials: source, transport, now = Date.now } = options;
  /** The first answer of the source, for good. */
  let credentials: Promise<Credentials | null> | undefined;
  /** What is good for every scope: a password, or a token that does not expire. */
  let shared: string | null = null;
  const tokens = new Map<string, Token>();
  /** Tokens that are being fetched: of many requests refused together one asks. */
  const fetching = new Map<string, Promise<string>>();
  const secrets = new Set<string>(options.secrets);

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

  const keep = (scope: string, token: Token): void => {
    const [oldest] = tokens.keys();
    if (tokens.size >= MOST_TOKENS && oldest !== undefined) {
      secrets.delete(tokens.get(oldest)?.token ?? "");
      tokens.delete(oldest);
    }
    // What has ended is refused by everybody, and no secret any more.
    secrets.delete(tokens.get(scope)?.token ?? "");
    tokens.set(scope, token);
    secrets.add(token.token);
  };

  const bearer = async (
    { parameters }: Challenge,
    scope: string,
    peer: string | null,
  ): Promise<string> => {
    const found = await find();
    if (found?.kind === "bearer") {
      shared = `Bearer ${found.token}`;
      return shared;
    }
    const { privateRealm = false, tokenServers = [] } = options;
    if (holds([...secrets], decoded(parameters.get("realm") ?? ""))) throw cannot(address);
    const { url, trusted } = readRealm(parameters.get("realm") ?? "", address, tokenServers);
    if (!trusted && found !== null) throw strangerRealm(address, url);
    const request = {
      realm: url,
      namedBy: { peer, privateToo: privateRealm && trusted },
      service: parameters.get("service") ?? "",
      scopes: scopesFor(parameters.get("scope"), scope),
    };
    const token = await fetchToken(request, found, address, transport, now);
    keep(scope, token);
    return `Bearer ${token.token}`;
  };

  const password = async (): Promise<string> => {
    const found = await find();
    if (found?.kind !== "password") throw missing(address, found);
    shared = basic(found);
    return shared;
  };

  const convince = async ({ header, peer }: Refusal, scope: string): Promise<string> => {
    const challenges = parseChallenges(header ?? "");
    const token = challenges.find(({ scheme }) => scheme === "bearer");
    if (!token && !challenges.some(({ scheme }) => scheme === "basic")) throw cannot(address);
    return await (token ? bearer(token, scope, peer) : password());
  };

  return {
    known,
    async unasked(scope) {
      const found = await find();
      if (found?.kind === "password") return basic(found);
      return found?.kind === "bearer" ? `Bearer ${found.token}` : known(scope);
    },
    async answer(refusal, scope) {
      // Another request may have been answered while this one was on its way.
      const meanwhile = known(scope);
      if (meanwhile !== null && meanwhile !== refusal.refused) return meanwhile;
      const begun =
        fetching.get(scope) ?? convince(refusal, scope).finally(() => fetching.delete(scope));
      fetching.set(scope, begun);
      const authorization = await begun;
      if (authorization === refusal.refused) throw useless(address, await find());
      return authorization;
    },
    secrets: () => [...secrets],
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
