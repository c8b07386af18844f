/** A host as it may stand in a URL that we give to others: a name or an address, and a port. */
const ORIGIN =
  /^https?:\/\/(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?=\/|$)/;

/**
 * Where a client reaches the API: an absolute URL that paths are put behind, or null when that is not known.
 * `publicUrl` as in the settings: it may be absolute, or a path alone, or "". Pure.
 */
export function baseOf(publicUrl: string, url: string, forwarded: string | null): string | null {
  if (/^https?:/.test(publicUrl)) return publicUrl;
  const origin = originOf(url, forwarded);
  return origin && origin + publicUrl;
}

/**
 * The scheme and host that a client has used, out of the URL that Bun puts together from its Host header;
 * null when that is no host. `forwarded`: the X-Forwarded-Proto of a proxy that is trusted. Pure.
 *
 * It is what the client says, so it is repeated to that client only, in an answer that nobody may store.
 */
export function originOf(url: string, forwarded: string | null = null): string | null {
  const origin = ORIGIN.exec(url)?.[0] ?? null;
  const scheme = /^https?$/.exec(forwarded ?? "")?.[0];
  return origin && scheme ? origin.replace(/^https?/, scheme) : origin;
}
