/** Users and their password hashes, as an htpasswd file has them. */
export interface Users {
  /** Name to bcrypt hash. */
  readonly hashes: ReadonlyMap<string, string>;
  readonly problems: readonly LineProblem[];
  /** Whether the last line ends in the middle, as of a file that is still being written. */
  readonly torn: boolean;
}

export interface LineProblem {
  /** From 1. */
  readonly line: number;
  readonly problem: string;
}

/** htpasswd writes at most this: a check takes seconds then. One of 31 would take days. */
export const MOST_COST = 17;
const LEAST_COST = 4;

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

export const NO_USERS: Users = { hashes: new Map(), problems: [], torn: false };

/**
 * Reads the text of an htpasswd file. Lines that are no user with a bcrypt hash are reported, without
 * what stands in them, and cost nothing else. Of two lines for one user the last counts, as in
 * registry:2. Pure.
 */
export function parseHtpasswd(text: string): Users {
  const hashes = new Map<string, string>();
  const problems: LineProblem[] = [];
  const lines = text.split("\n");
  let complete = true;
  for (const [index, raw] of lines.entries()) {
    const entry = parseLine(raw);
    if (entry === null) continue;
    complete = "hash" in entry;
    if ("problem" in entry) problems.push({ line: index + 1, problem: entry.problem });
    else {
      if (hashes.has(entry.name)) {
        problems.push({ line: index + 1, problem: "the user stands twice; this line counts" });
      }
      hashes.set(entry.name, entry.hash);
    }
  }
  return { hashes, problems, torn: lines.at(-1) !== "" && !complete };
}

export type Line = { readonly name: string; readonly hash: string } | { readonly problem: string };

/** One line; null: empty, or a comment. Pure. */
export function parseLine(raw: string): Line | null {
  const line = raw.trim().replace(/^\uFEFF/, "");
  if (line === "" || line.startsWith("#")) return null;
  const colon = line.indexOf(":");
  if (colon < 0) return { problem: "it has no colon between a user and a hash" };
  const name = line.slice(0, colon);
  const problem = faultOfName(name);
  if (problem !== null) return { problem };
  // Some tools put further fields behind the hash.
  const [hash = ""] = line.slice(colon + 1).split(":");
  const fault = faultOfHash(hash);
  return fault === null ? { name, hash } : { problem: fault };
}

/** Why this cannot be the name of a user; null: it can. Pure. */
export function faultOfName(name: string): string | null {
  if (name === "") return "the name of the user is empty";
  if (name.length > 255) return "the name of the user is longer than 255 characters";
  if (/[\p{Cc}:\uFFFD]/u.test(name)) {
    return "the name of the user has a colon or a control character in it, or is not UTF-8";
  }
  if (name === "*" || name !== name.trim() || name.startsWith("#")) {
    return "the name of the user is *, or begins with #, or has spaces around it";
  }
  return null;
}

/** Why this hash is not taken; null: it is. Pure. */
function faultOfHash(hash: string): string | null {
  const digits = BCRYPT.exec(hash)?.[1];
  if (digits === undefined) return `${kindOf(hash)}; only bcrypt is taken (htpasswd -B)`;
  const cost = Number(digits);
  if (cost > MOST_COST) return `bcrypt with cost ${cost}: at most ${MOST_COST} is taken`;
  if (cost < LEAST_COST) return `bcrypt with cost ${cost} is no such hash`;
  return null;
}

function kindOf(hash: string): string {
  if (hash.startsWith("$2")) return "a damaged bcrypt hash";
  if (hash.startsWith("$apr1$")) return "an MD5 hash";
  if (hash.startsWith("{SHA}")) return "a SHA-1 hash";
  if (/^\$[56]\$/.test(hash)) return "a SHA-2 hash of crypt";
  return "no bcrypt hash";
}
