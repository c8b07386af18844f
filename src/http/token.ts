import type { Caller } from "../auth/caller.ts";
import { type Grants, grantsOf, parseScope } from "../auth/scope.ts";
import type { TokenIssuing } from "../auth/token-issuing.ts";
import { RegistryError } from "../oci/errors.ts";
import { readBody } from "./body.ts";
import type { Exchange, Handler } from "./exchange.ts";
import { single } from "./query.ts";
import { json } from "./reply.ts";

/** Bytes. A form has a few names and a password. */
const LARGEST_FORM = 64 * 1024;

/** One push asks for two or three. */
const MOST_SCOPES = 100;

/**
 * Gives whoever logs in a token for what he asks for, as far as he may have it.
 *
 * @see distribution, "Requesting a Token"
 */
export const getToken: Handler = async ({ caller, query, ...exchange }) => {
  const issuer = issuerOf(exchange);
  const asked = askedFor(query, issuer);
  return await answer(issuer, caller, asked, single(query, "offline_token") === "true");
};

/**
 * The same in the manner of OAuth2: who it is stands in a form, by a password or by a refresh token.
 *
 * @see distribution, "Oauth2 Token Authentication"
 */
export const postToken: Handler = async ({ request, sender, ...exchange }) => {
  const issuer = issuerOf(exchange);
  const form = await readForm(request);
  const asked = askedFor(form, issuer);
  const text = (name: string): string => {
    const value = single(form, name);
    if (value !== null) return value;
    throw bad(name, "it is missing");
  };
  switch (text("grant_type")) {
    case "password": {
      const password = new TextEncoder().encode(text("password"));
      const caller = await issuer.login(text("username"), password, sender.address);
      return await answer(issuer, caller, asked, single(form, "access_type") === "offline");
    }
    case "refresh_token": {
      const refreshToken = text("refresh_token");
      const caller = await issuer.refresh(refreshToken);
      return await answer(issuer, caller, asked, false, refreshToken);
    }
    default:
      throw bad("grant_type", "it is neither password nor refresh_token");
  }
};

function issuerOf({ issuer }: Pick<Exchange, "issuer">): TokenIssuing {
  if (issuer) return issuer;
  throw new RegistryError("ENDPOINT_UNKNOWN", { reason: "this registry issues no tokens" });
}

async function answer(
  issuer: TokenIssuing,
  caller: Caller,
  asked: Grants,
  offline: boolean,
  refreshed: string | null = null,
): Promise<Response> {
  const issued = await issuer.issue(caller, asked, offline);
  const refreshToken = refreshed ?? issued.refreshToken;
  const body = {
    token: issued.token,
    access_token: issued.token,
    expires_in: issued.expiresIn,
    issued_at: new Date(issued.issuedAt).toISOString(),
    scope: issued.scope,
    ...(refreshToken !== null && { refresh_token: refreshToken }),
  };
  return json(body, { "cache-control": "no-store" });
}

/**
 * What is asked for: several scopes, and several in one, with spaces between. What is no scope, or one for
 * something that we do not have, grants nothing and is no error, as the protocol wants it.
 */
function askedFor(parameters: URLSearchParams, { service: own }: TokenIssuing): Grants {
  const service = single(parameters, "service");
  if (service !== null && service !== own) {
    throw bad("service", `tokens are issued for ${own} only`);
  }
  const texts = parameters.getAll("scope").flatMap((list) => list.split(" "));
  const scopes = texts.filter((text) => text !== "");
  if (scopes.length > MOST_SCOPES) throw bad("scope", `there are more than ${MOST_SCOPES}`);
  return grantsOf(scopes.flatMap((text) => parseScope(text) ?? []));
}

async function readForm(request: Request): Promise<URLSearchParams> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) {
    throw bad("Content-Type", "it is not application/x-www-form-urlencoded");
  }
  const tooLarge = (): RegistryError => bad("the form", `it has more than ${LARGEST_FORM} bytes`);
  const bytes = await readBody(request, LARGEST_FORM, tooLarge);
  return new URLSearchParams(new TextDecoder().decode(bytes));
}

function bad(parameter: string, why: string): RegistryError {
  return new RegistryError("PARAMETER_INVALID", { reason: `${parameter}: ${why}`, parameter });
}
