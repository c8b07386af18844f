/** One way in which a server wants to be convinced (RFC 9110, "WWW-Authenticate"). */
export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** By lower-case name; of a name that stands twice the first. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Longer headers are none that a registry sends. */
const LONGEST = 16 * 1024;

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const PARAMETER = /\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y;
const SPACE = /[\s,]*/y;

/** Reads the challenges of a header; what cannot be read ends the list. Pure, and linear in the length. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  if (header.length > LONGEST) return challenges;
  let at = 0;
  const take = (expression: RegExp): RegExpExecArray | null => {
    expression.lastIndex = at;
    const found = expression.exec(header);
    if (found) at = expression.lastIndex;
    return found;
  };
  for (;;) {
    take(SPACE);
    const word = take(TOKEN)?.[0].toLowerCase();
    if (word === undefined) return challenges;
    // A word with `=value` is a parameter of the last challenge, any other word begins the next one.
    const value = take(PARAMETER);
    if (!value) {
      challenges.push({ scheme: word, parameters: new Map() });
      continue;
    }
    const parameters = challenges.at(-1)?.parameters;
    if (!parameters) return challenges;
    if (!parameters.has(word))
      parameters.set(word, value[1]?.replace(/\\(.)/g, "$1") ?? value[2] ?? "");
  }
}
