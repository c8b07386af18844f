import { X509Certificate } from "node:crypto";
import { type CertificateFacts, certificateFacts } from "./der.ts";

/** A certificate with what its signature covers. */
export interface Certificate {
  readonly x509: X509Certificate;
  readonly facts: CertificateFacts;
}

/** Longer chains are made by attackers only. */
const LONGEST = 8;

/**
 * Checks of signatures for one chain: certificates that all vouch for each other make more ways than there
 * is time for, and anybody may send them.
 */
const MOST_CHECKS = 20;

/** Bits. Checking a signature of a larger key takes milliseconds, and nobody has one. */
const LARGEST_RSA = 8192;

/** Signatures with SHA-1 or MD5 can be made to fit another certificate. */
const BROKEN_SIGNATURES = [
  "1.2.840.113549.1.1.2",
  "1.2.840.113549.1.1.4",
  "1.2.840.113549.1.1.5",
  "1.3.14.3.2.29",
  "1.2.840.10040.4.3",
  "1.2.840.10045.4.1",
];

/** Throws when it is no certificate. */
export function readCertificate(source: string | Uint8Array): Certificate {
  const x509 = new X509Certificate(source);
  return { x509, facts: certificateFacts(x509.raw) };
}

/**
 * The first certificate of a chain, in base64, when a way leads from it to one of the roots; null when none
 * does. The others are steps on the way, in any order. Every certificate must be valid at this moment
 * (UTC milliseconds), and every one that signs another must be allowed to. Pure.
 *
 * @see RFC 5280, section 6; RFC 7515, "x5c"
 */
export function leafOfChain(
  encoded: readonly string[],
  roots: readonly Certificate[],
  now: number,
): X509Certificate | null {
  if (encoded.length === 0 || encoded.length > LONGEST) return null;
  let chain: Certificate[];
  try {
    chain = encoded.map((text) => readCertificate(Buffer.from(text, "base64")));
  } catch {
    return null;
  }
  const [leaf, ...steps] = chain;
  const search: Search = { roots, now, checks: 0 };
  return leaf && leads(leaf, steps, 0, search) ? leaf.x509 : null;
}

interface Search {
  readonly roots: readonly Certificate[];
  readonly now: number;
  /** How many signatures were checked so far. */
  checks: number;
}

/** `below`: how many authorities stand between this certificate and the last one, itself counted. */
function leads(
  from: Certificate,
  steps: readonly Certificate[],
  below: number,
  search: Search,
): boolean {
  const { roots, now } = search;
  if (!isTimely(from, now) || from.facts.unknown.length > 0) return false;
  if (roots.some((root) => root.x509.raw.equals(from.x509.raw))) return true;
  if (roots.some((root) => isTimely(root, now) && hasSigned(root, from, below, search)))
    return true;
  return steps.some((step) => {
    // An authority on the way must say that it is one; only an old root may leave it out.
    if (step.facts.authority !== true || !hasSigned(step, from, below, search)) return false;
    const others = steps.filter((other) => other !== step);
    return leads(step, others, below + 1, search);
  });
}

function isTimely({ x509 }: Certificate, now: number): boolean {
  return Date.parse(x509.validFrom) <= now && now <= Date.parse(x509.validTo);
}

function hasSigned(
  { x509, facts }: Certificate,
  other: Certificate,
  below: number,
  search: Search,
): boolean {
  if (facts.unknown.length > 0 || facts.signs === false) return false;
  if (facts.authority !== true && (facts.version >= 3 || facts.authority === false)) return false;
  if (facts.pathLength !== null && below > facts.pathLength) return false;
  if (BROKEN_SIGNATURES.includes(other.x509.signatureAlgorithmOid ?? "")) return false;
  if (!other.x509.checkIssued(x509)) return false;
  const key = x509.publicKey;
  if ((key.asymmetricKeyDetails?.modulusLength ?? 0) > LARGEST_RSA) return false;
  return ++search.checks <= MOST_CHECKS && other.x509.verify(key);
}
