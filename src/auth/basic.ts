/** What an `Authorization: Basic` header says. */
export interface BasicCredentials {
  readonly name: string;
  /** As sent: a password may be in any encoding. */
  readonly password: Uint8Array<ArrayBuffer>;
}

const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2})$/i;

/**
 * Null when it is something else: another scheme, two headers in one, bad base64, no colon, a user who is
 * not UTF-8. Pure.
 *
 * @see RFC 7617, section 2
 */
export function parseBasic(header: string): BasicCredentials | null {
  const encoded = BASIC.exec(header)?.[1];
  if (encoded === undefined) return null;
  const bytes = new Uint8Array(Buffer.from(encoded, "base64"));
  const colon = bytes.indexOf(0x3a);
  if (colon < 0) return null;
  try {
    const name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return { name: name.decode(bytes.subarray(0, colon)), password: bytes.slice(colon + 1) };
  } catch {
    return null;
  }
}
