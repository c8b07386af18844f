import { type Digest, algorithmOf, digestOf } from "../../oci/digest.ts";
import { isRecord } from "../../oci/json.ts";
import { parseDocument } from "../../metadata/lenient-manifest.ts";

/**
 * Whether a signed manifest of Docker's first format is that of a digest, which leaves the signatures out:
 * the first of them says how the signed text begins and ends. Pure.
 *
 * @see distribution, "Image Manifest V 2, Schema 1", "Signed Manifests"
 */
export function isSignedFirstFormat(bytes: Uint8Array, digest: Digest): boolean {
  const signatures = parseDocument(bytes)?.["signatures"];
  const first: unknown = Array.isArray(signatures) ? signatures[0] : null;
  const header = isRecord(first) ? first["protected"] : null;
  if (typeof header !== "string") return false;
  const head = parseDocument(Buffer.from(header, "base64url"));
  const [length, tail] = [head?.["formatLength"], head?.["formatTail"]];
  if (typeof length !== "number" || typeof tail !== "string" || !(length <= bytes.length))
    return false;
  const signed = Buffer.concat([bytes.subarray(0, length), Buffer.from(tail, "base64url")]);
  return digestOf(signed, algorithmOf(digest)) === digest;
}
