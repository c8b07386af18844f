import { parseExpression } from "../../oci/tag-pattern.ts";
import type { Draft } from "./translation.ts";

/** The text itself within a regular expression. Pure. */
function escaped(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);
}

/** A pattern of ours for exactly this tag. Pure. */
export function exactly(tag: string): string {
  return /^[A-Za-z0-9._-]+$/.test(tag) ? tag : `/^${escaped(tag)}$/`;
}

/** A pattern of ours for tags that have this text in them. Pure. */
export function containing(text: string, ignoreCase = false): string {
  return `/${ignoreCase ? "(?i)" : ""}${escaped(text)}/`;
}

/** A pattern of ours for what a regular expression finds; null: it is none, which is a fault. */
export function found(expression: string, key: string, draft: Draft): string | null {
  const read = parseExpression(expression);
  if (!("reason" in read)) return `/${expression}/`;
  draft.fault(key, `${JSON.stringify(expression)}: ${read.reason}`);
  return null;
}
