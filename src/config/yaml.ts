import { LineCounter, parseDocument } from "yaml";

/** Why a text is not usable YAML: a sentence with the line, never a word of the text (it may hold passwords). */
export class YamlFault extends Error {}

/**
 * How plain scalars are read: `typed` as YAML 1.2 has it (`true`, `12`, `null`), `text` as they are
 * written, for readers that know which type they expect (`0123` may be a password).
 */
export type Scalars = "typed" | "text";

/** More aliases than people write: what grows from them beyond this is an attack or a mistake. */
const MOST_ALIASES = 100;

/**
 * The value of one YAML document; null when it is empty. Throws YamlFault.
 *
 * Stricter than YAML is: a key that stands twice at any level is a fault, because one of the two would be
 * silently off; so are tags, and an alias that contains itself.
 */
export function parseYaml(text: string, scalars: Scalars): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: scalars === "typed" ? "core" : "failsafe",
    merge: true,
    uniqueKeys: true,
    stringKeys: true,
    resolveKnownTags: false,
    // It would quote the text.
    prettyErrors: false,
    lineCounter: lines,
  });
  const at = (offset: number): string => `line ${lines.linePos(offset).line}`;
  const [error] = document.errors;
  if (error !== undefined) {
    const twice = error.code === "DUPLICATE_KEY" ? keyAt(text, error.pos[0]) : "";
    throw new YamlFault(`${at(error.pos[0])}: ${SAYINGS[error.code]?.(twice) ?? "it is not YAML"}`);
  }
  const [warning] = document.warnings;
  if (warning !== undefined) {
    throw new YamlFault(`${at(warning.pos[0])}: tags (!…) are not understood; quote the text`);
  }
  try {
    const value: unknown = document.contents?.toJS(document, {
      maxAliasCount: MOST_ALIASES,
    });
    refuseCircles(value, []);
    return value ?? null;
  } catch (thrown) {
    if (thrown instanceof YamlFault) throw thrown;
    throw new YamlFault(
      "an alias (*…) names no anchor, or too many do; quote a text that begins so",
    );
  }
}

const SAYINGS: Readonly<Record<string, (key: string) => string>> = {
  DUPLICATE_KEY: (key) => `the setting ${key} stands twice`,
  TAB_AS_INDENT: () => "it is indented with a tab; use spaces",
  MULTIPLE_DOCS: () => "it is not YAML of one document: there is a second one",
  NON_STRING_KEY: () => "a key is not a text",
};

/** The key that begins at an offset. Keys are names of settings: no secrets. */
function keyAt(text: string, offset: number): string {
  const [, quoted, plain] =
    /^(?:["']([^"'\n]{0,100})|([^\s:]{0,100}))/.exec(text.slice(offset)) ?? [];
  return quoted ?? plain ?? "";
}

function refuseCircles(value: unknown, above: readonly unknown[]): void {
  if (typeof value !== "object" || value === null) return;
  if (above.includes(value)) throw new YamlFault("an alias contains itself");
  for (const inner of Object.values(value)) refuseCircles(inner, [...above, value]);
}
