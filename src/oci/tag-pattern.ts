import { RE2JS } from "re2js";
import { plainExpression } from "./plain-expression.ts";

/** Decides about tags. */
export interface TagPattern {
  readonly text: string;
  matches(tag: string): boolean;
}

const LONGEST = 1000;

/**
 * Reads a glob of tags (`*` any characters, `?` one, all others themselves), or a regular expression
 * between slashes (`/^dev-/`, found anywhere unless anchored), in RE2's language: without look-around and
 * back references, so that its work grows with the length of the tag, whatever the expression is. Pure.
 *
 * Null is never returned: what is no pattern comes with the reason.
 */
export function parseTagPattern(text: string): TagPattern | { readonly reason: string } {
  if (text === "") return { reason: "it is empty" };
  if (text.length > LONGEST) return { reason: `it is longer than ${LONGEST} characters` };
  const expression = /^\/(.*)\/$/s.exec(text)?.[1];
  if (expression === undefined && text.includes("/")) {
    return { reason: "no tag has a slash; a regular expression stands between two of them" };
  }
  const simple = expression === undefined ? simpleGlob(text) : simpleExpression(expression);
  if (simple !== null) return { text, matches: simple };
  const source = expression ?? globExpression(text);
  const compiled = parseExpression(source);
  if ("reason" in compiled) return compiled;
  const native = plainExpression(source)?.native;
  if (native !== undefined) return { text, matches: (tag) => native.test(tag) };
  return { text, matches: (tag) => compiled.test(tag) };
}

/** A regular expression of RE2's language, or why it is none. Pure. */
export function parseExpression(text: string): RE2JS | { readonly reason: string } {
  try {
    return RE2JS.compile(text);
  } catch (error) {
    return { reason: `it is no regular expression (${(error as Error).message})` };
  }
}

/** Most globs: a tag, or one with a single `*`, which need no expression. */
function simpleGlob(text: string): ((tag: string) => boolean) | null {
  if (text === "*") return () => true;
  const [begin = "", end, ...more] = text.split("*");
  if (more.length > 0 || text.includes("?")) return null;
  if (end === undefined) return (tag) => tag === text;
  const least = text.length - 1;
  return (tag) => tag.length >= least && tag.startsWith(begin) && tag.endsWith(end);
}

/** `^dev-`, `-rc$`, `^main$`: text that stands for itself, and where it stands. */
function simpleExpression(text: string): ((tag: string) => boolean) | null {
  const [, begins, literal = "", ends] = /^(\^?)([A-Za-z0-9_-]+)(\$?)$/.exec(text) ?? [];
  if (literal === "") return null;
  if (begins !== "")
    return ends === "" ? (tag) => tag.startsWith(literal) : (tag) => tag === literal;
  return ends === "" ? (tag) => tag.includes(literal) : (tag) => tag.endsWith(literal);
}

function globExpression(text: string): string {
  const parts = text.split(/([*?])/).map((part) => {
    if (part === "*") return ".*";
    return part === "?" ? "." : RE2JS.quote(part);
  });
  return `^(?s:${parts.join("")})$`;
}
