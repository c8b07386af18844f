import type { RepositoryName } from "./name.ts";

/** Decides about repository names. */
export interface NameGlob {
  readonly text: string;
  /** How all names begin that it matches: a quick way to say no. */
  readonly prefix: string;
  matches(name: RepositoryName): boolean;
}

const LONGEST = 255;

/**
 * Reads a glob of repository names: `*` stands for any characters within a part, `**` for any across
 * parts, and `**` with its slash at the beginning or in the middle also for no part at all (`**` + `/app`
 * is `app` too). So `ci/**` is all below `ci`, and not `ci` itself. Pure.
 *
 * Null with the reason when it is none, or when no repository name could match it.
 */
export function parseNameGlob(text: string): NameGlob | { readonly reason: string } {
  const reason = fault(text);
  if (reason !== null) return { reason };
  const tokens = tokensOf(text);
  const prefix = literal(tokens[0]);
  const wildcards = tokens.filter((token) => typeof token !== "string");
  const [only] = wildcards;
  if (only === undefined) return { text, prefix, matches: (name) => name === text };
  const suffix = literal(tokens.at(-1));
  const ends = (name: string): boolean =>
    name.length >= prefix.length + suffix.length &&
    name.startsWith(prefix) &&
    name.endsWith(suffix);
  if (wildcards.length > 1) {
    return { text, prefix, matches: (name) => ends(name) && matches(tokens, name) };
  }
  return {
    text,
    prefix,
    matches: (name) => ends(name) && fills(only, name, prefix.length, name.length - suffix.length),
  };
}

function literal(token: Token | undefined): string {
  return typeof token === "string" ? token : "";
}

/** Whether a wildcard can stand for this stretch of a name; what most globs come down to. */
function fills(wildcard: Token, name: string, from: number, to: number): boolean {
  if (wildcard === ACROSS) return true;
  if (wildcard === PARTS) return from === to || name[to - 1] === "/";
  const slash = name.indexOf("/", from);
  return slash < 0 || slash >= to;
}

function fault(text: string): string | null {
  if (text.length > LONGEST) return `it is longer than ${LONGEST} characters`;
  const foreign = /[^a-z0-9._\-/*]/.exec(text)?.[0];
  if (foreign !== undefined) {
    return `${JSON.stringify(foreign)} stands in no repository name; the wildcards are * and **`;
  }
  if (/(?:^|\/)(?:\/|$)/.test(text)) return "it has an empty part";
  if (text.includes("***")) return "*** is neither * nor **";
  return null;
}

/** Literal text, or a wildcard. */
type Token = string | typeof WITHIN | typeof ACROSS | typeof PARTS;
/** `*` */
const WITHIN = 1;
/** `**` */
const ACROSS = 2;
/** `**` with the slash after it, at the beginning of a part: any number of whole parts. */
const PARTS = 3;

function tokensOf(text: string): Token[] {
  const pieces = text.matchAll(/(?<=^|\/)\*\*\/|\*\*|\*|[^*]+/g);
  return [...pieces].map(([piece]) => {
    if (piece === "*") return WITHIN;
    if (piece === "**") return ACROSS;
    return piece === "**/" ? PARTS : piece;
  });
}

/**
 * Follows all ways at once, as places in the name that the tokens so far can reach: work grows with the
 * lengths of both, whatever they are, where a regular expression could be made to try for ever.
 */
function matches(tokens: readonly Token[], name: string): boolean {
  let reached = new Set([0]);
  for (const token of tokens) {
    const next = new Set<number>();
    for (const at of reached) step(token, name, at, next);
    if (next.size === 0) return false;
    reached = next;
  }
  return reached.has(name.length);
}

function step(token: Token, name: string, from: number, next: Set<number>): void {
  if (typeof token === "string") {
    if (name.startsWith(token, from)) next.add(from + token.length);
    return;
  }
  for (let at = from; at <= name.length; at++) {
    if (token !== PARTS || at === from || name[at - 1] === "/") {
      // Whoever came here before went on from here as well.
      if (next.has(at) && token !== PARTS) return;
      next.add(at);
    }
    if (token === WITHIN && name[at] === "/") return;
  }
}
