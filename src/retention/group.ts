import { plainExpression } from "../oci/plain-expression.ts";
import { parseExpression } from "../oci/tag-pattern.ts";
import type { Version } from "../oci/version.ts";

/** The group that a tag is in. Those without one are a group together, which is called "". */
export type GroupOf = (facts: Grouped) => string;

/** What groups are made of. */
interface Grouped {
  readonly tag: { readonly tag: string };
  readonly version: Version | null;
}

/** What `groupBy` of a keep rule means. Throws where the configuration's check would have refused it. */
export function compileGroup(text: string | undefined): GroupOf {
  if (text === undefined) return () => "";
  if (text === "major" || text === "minor") {
    return ({ version }) => {
      if (version === null) return "";
      const [major, minor] = version.numbers;
      return text === "major" ? `${major}` : `${major}.${minor === Infinity ? "x" : minor}`;
    };
  }
  const expression = parseExpression(text);
  if ("reason" in expression) throw new TypeError(`${JSON.stringify(text)}: ${expression.reason}`);
  const names = Object.keys(expression.namedGroups());
  const native = plainExpression(text)?.native;
  if (native !== undefined) {
    const numbers = names.length === 0 ? [0] : Object.values(expression.namedGroups());
    return ({ tag: { tag } }) => {
      const found = native.exec(tag);
      return found === null ? "" : numbers.map((number) => found[number] ?? "").join(" ");
    };
  }
  return ({ tag: { tag } }) => {
    // Far cheaper than to ask for groups, and enough for most.
    if (!expression.test(tag)) return "";
    const matcher = expression.matcher(tag);
    if (!matcher.find()) return "";
    if (names.length === 0) return matcher.group() ?? "";
    return names.map((name) => matcher.group(name) ?? "").join(" ");
  };
}
