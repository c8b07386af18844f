const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** The token of an `Authorization: Bearer` header; null when it is something else. Pure. */
export function parseBearer(header: string): string | null {
  return BEARER.exec(header)?.[1] ?? null;
}
