import { RE2JS } from "re2js";

/** Whether a request for a manifest is use of an image. */
export type PullRule = (method: string, agent: string | null) => boolean;

/** Of agents that were asked about. There are few in a registry's life, and anybody may make up more. */
const REMEMBERED = 1000;

/**
 * A GET counts; a HEAD only of agents that match one of `heads`: of most it is a look, of a runtime that has
 * the image it is all that it sends. What matches `ignore` never counts, nor do we ourselves: copying or
 * listing an image is no use of it. Globs, `*` for any characters, without regard to case.
 */
export function pullRule(heads: readonly string[], ignore: readonly string[]): PullRule {
  const counting = matcher(heads);
  const ignored = matcher(["wharfinger*", ...ignore]);
  const known = new Map<string, { readonly get: boolean; readonly head: boolean }>();
  return (method, agent) => {
    const name = agent ?? "";
    let rule = known.get(name);
    if (!rule) {
      const get = !ignored(name);
      rule = { get, head: get && counting(name) };
      if (known.size >= REMEMBERED) known.clear();
      known.set(name, rule);
    }
    return method === "HEAD" ? rule.head : rule.get;
  };
}

/** In time that grows with the length of the text: agents say what they like. */
function matcher(globs: readonly string[]): (text: string) => boolean {
  const expressions = globs.map((glob) => {
    const parts = glob.split(/([*?])/).map((part) => {
      if (part === "*") return ".*";
      return part === "?" ? "." : RE2JS.quote(part);
    });
    return RE2JS.compile(`^(?is:${parts.join("")})$`);
  });
  return (text) => expressions.some((expression) => expression.matcher(text).find());
}
