const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** The token of an `Authorization: Bearer` header; null when it is something else. Pure. */
export function parseBearer(header: string): string | null {
  return BEARER.exec(header)?.[1] ?? null;
}

/** What a client needs to know to get a token that allows what it wants. */
export interface BearerChallenge {
  readonly realm: string;
  readonly service: string;
  readonly scope: string | null;
  readonly error: string | null;
}

/** @see RFC 6750, section 3; distribution, "How to authenticate" */
export function bearerChallenge({ realm, service, scope, error }: BearerChallenge): string {
  const parameters = Object.entries({ realm, service, scope, error });
  return `Bearer ${parameters
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}="${String(value).replace(/["\\]/g, "\\$&")}"`)
    .join(",")}`;
}
