/** What of a certificate decides whether it may sign others, and what Bun's own reader does not tell. */
export interface CertificateFacts {
  /** 1 or 3. Of version 1, anybody's may sign. */
  readonly version: number;
  /** Whether basicConstraints make it an authority; null: it does not say. */
  readonly authority: boolean | null;
  /** How many authorities may stand between it and the last certificate; null: any number. */
  readonly pathLength: number | null;
  /** Whether keyUsage lets it sign certificates; null: it does not say. */
  readonly signs: boolean | null;
  /** Critical extensions that nobody here understands, as hex of their object identifiers. */
  readonly unknown: readonly string[];
}

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

const SEQUENCE = 0x30;
const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

const KEY_USAGE = "551d0f";
const BASIC_CONSTRAINTS = "551d13";
/** subjectAltName, certificatePolicies, extKeyUsage, authorityKeyIdentifier: they say nothing about tokens. */
const HARMLESS = ["551d11", "551d20", "551d25", "551d23"];
/** In the first byte of keyUsage's bits. */
const CERT_SIGN = 0x04;

/**
 * Reads a certificate that was parsed before. Throws when it is no DER. Pure.
 *
 * @see RFC 5280, section 4.1
 */
export function certificateFacts(certificate: Uint8Array): CertificateFacts {
  const [outer] = elements(certificate);
  const [body] = elements(contentOf(outer, SEQUENCE));
  const fields = elements(contentOf(body, SEQUENCE));
  const [version] = elements(
    fields.find(({ tag }) => tag === VERSION)?.content ?? new Uint8Array(),
  );
  const listed = fields.find(({ tag }) => tag === EXTENSIONS);
  const extensions = listed ? elements(contentOf(elements(listed.content)[0], SEQUENCE)) : [];
  let authority: boolean | null = null;
  let pathLength: number | null = null;
  let signs: boolean | null = null;
  const unknown: string[] = [];
  for (const extension of extensions) {
    const parts = elements(contentOf(extension, SEQUENCE));
    const id = Buffer.from(parts[0]?.content ?? []).toString("hex");
    const critical = parts.some(({ tag, content }) => tag === BOOLEAN && content[0] !== 0);
    const value = contentOf(parts.at(-1), OCTET_STRING);
    if (id === BASIC_CONSTRAINTS) {
      const constraints = elements(contentOf(elements(value)[0], SEQUENCE));
      authority = constraints.some(({ tag, content }) => tag === BOOLEAN && content[0] !== 0);
      const length = constraints.find(({ tag }) => tag === INTEGER);
      pathLength = length ? number(length.content) : null;
    } else if (id === KEY_USAGE) {
      // The first byte says how many bits at the end are unused.
      signs = ((contentOf(elements(value)[0], BIT_STRING)[1] ?? 0) & CERT_SIGN) !== 0;
    } else if (critical && !HARMLESS.includes(id)) unknown.push(id);
  }
  return { version: number(version?.content ?? []) + 1, authority, pathLength, signs, unknown };
}

function number(bytes: Iterable<number>): number {
  return [...bytes].reduce((sum, byte) => sum * 256 + byte, 0);
}

function contentOf(element: Element | undefined, tag: number): Uint8Array {
  if (element?.tag !== tag) throw new Error(`no element with tag ${tag} where there must be one`);
  return element.content;
}

/** The elements that stand one after the other. */
function elements(bytes: Uint8Array): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at++] ?? 0;
    let length = bytes[at++] ?? 0;
    if (length > 0x7f) {
      const digits = length & 0x7f;
      if (digits === 0 || digits > 4) throw new Error("a length is not DER");
      length = number(bytes.subarray(at, at + digits));
      at += digits;
    }
    if (at + length > bytes.length) throw new Error("an element is longer than what holds it");
    found.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}
