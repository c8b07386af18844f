import { RegistryError } from "../../oci/errors.ts";
import type { RegistryAddress } from "../address.ts";
import { explanation } from "../http/refusal.ts";
import type { Guide, Outgoing, Transport } from "../http/transport.ts";
import type { Credentials } from "./credentials.ts";

/** What a Bearer challenge asks for. */
export interface TokenRequest {
  readonly realm: URL;
  /** Who has named it. */
  readonly namedBy: Guide;
  readonly service: string;
  /** Such as `repository:app:pull`. */
  readonly scopes: readonly string[];
}

export interface Token {
  readonly token: string;
  /** UTC milliseconds. */
  readonly expiresAt: number;
}

const LARGEST = 1024 * 1024;
/** Seconds a token is good for when its server does not say (distribution, "Token Response Fields"). */
const USUAL_LIFETIME = 60;
/** Seconds; what is good for longer is asked for again. */
const LONGEST_LIFETIME = 24 * 3600;

/**
 * Gets a token from the server that a registry names. Without credentials it asks as nobody: many
 * registries want a token even for what everybody may read.
 *
 * Throws CREDENTIALS when the server refuses, REMOTE when it makes no sense.
 *
 * @see distribution, "Token Authentication Specification" and "OAuth2 token endpoint"
 */
export async function fetchToken(
  request: TokenRequest,
  credentials: Credentials | null,
  registry: RegistryAddress,
  transport: Transport,
  now: () => number,
): Promise<Token> {
  const url = request.realm;
  const reply = await transport(
    credentials?.kind === "identity"
      ? refresh(url, request, credentials.token)
      : login(url, request, credentials),
  );
  if (reply.status !== 200) {
    const secrets = credentials === null ? [] : secretsOf(credentials);
    const { message } = await explanation(reply, secrets);
    const denied = reply.status === 401 || reply.status === 403;
    throw new RegistryError(denied ? "CREDENTIALS" : "REMOTE", {
      reason: `${url.origin}, which gives the tokens of ${registry.host}, answers ${reply.status}${message && ` (${message})`}`,
    });
  }
  const answer = await reply.object(LARGEST);
  const token = answer["token"] ?? answer["access_token"];
  if (typeof token !== "string" || !/^[\x21-\x7e]{1,65536}$/.test(token)) {
    throw new RegistryError("REMOTE", { reason: `${url.origin} gave no usable token` });
  }
  const seconds = answer["expires_in"];
  const lifetime =
    typeof seconds === "number" && seconds > 0
      ? Math.min(seconds, LONGEST_LIFETIME)
      : USUAL_LIFETIME;
  return { token, expiresAt: now() + lifetime * 1000 };
}

function login(
  realm: URL,
  { service, scopes, namedBy }: TokenRequest,
  credentials: Credentials | null,
): Outgoing {
  const url = new URL(realm);
  if (service) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (credentials?.kind !== "password") return { method: "GET", url, namedBy };
  url.searchParams.set("account", credentials.username);
  return { method: "GET", url, namedBy, authorization: basic(credentials) };
}

function refresh(url: URL, { service, scopes, namedBy }: TokenRequest, token: string): Outgoing {
  const body = new URLSearchParams({
    grant_type: "refresh_token",
    client_id: "wharfinger",
    service,
    scope: scopes.join(" "),
    refresh_token: token,
  });
  return { method: "POST", url, namedBy, body };
}

export function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Every form in which these credentials travel; "" is none, and would be found everywhere. */
export function secretsOf(credentials: Credentials): string[] {
  const forms =
    credentials.kind === "password"
      ? [credentials.password, basic(credentials).slice("Basic ".length)]
      : [credentials.token];
  return forms.filter((form) => form !== "");
}
