import { parseExpression, parseTagPattern } from "../oci/tag-pattern.ts";
import { parseVersionRange } from "../oci/version-range.ts";

/** Why a text is no pattern of tags; null: it is one. Pure. */
export function patternFault(text: string): string | null {
  const read = parseTagPattern(text);
  return "reason" in read ? read.reason : null;
}

/** Why a text is no range of versions; null: it is one. Pure. */
export function rangeFault(text: string): string | null {
  const read = parseVersionRange(text);
  return "reason" in read ? read.reason : null;
}

/** Why a text does not say how to group tags; null: it does. Pure. */
export function groupFault(text: string): string | null {
  if (text === "major" || text === "minor") return null;
  const read = parseExpression(text);
  return "reason" in read ? read.reason : null;
}
