import { faultOfName, parseLine } from "./htpasswd.ts";

/**
 * Changes to the bytes of an htpasswd file. Lines that are not the user's stay as they are, byte for byte,
 * whatever they are; of several lines of one user one is left. All pure.
 */

/** The file's text byte by byte, so that what is not UTF-8 comes out as it went in. */
const ENCODING = "latin1";

interface Lines {
  readonly lines: readonly string[];
  /** What new lines end with: what the first line ends with. */
  readonly end: string;
}

export function hasUser(bytes: Uint8Array, name: string): boolean {
  return linesOf(bytes).lines.some((line) => belongsTo(line, name));
}

/** Gives a user this hash, in his place if he has one, else at the end. */
export function setUser(bytes: Uint8Array, name: string, hash: string): Buffer {
  const { lines, end } = linesOf(bytes);
  const entry = Buffer.from(`${name}:${hash}`).toString(ENCODING) + end;
  const at = lines.findIndex((line) => belongsTo(line, name));
  const others = lines.filter((line, index) => index <= at || !belongsTo(line, name));
  if (at >= 0) return joined(others.with(at, entry));
  const last = others.at(-1);
  if (last === undefined || last.endsWith("\n")) return joined([...others, entry]);
  return joined([...others, end, entry]);
}

export function removeUser(bytes: Uint8Array, name: string): Buffer {
  return joined(linesOf(bytes).lines.filter((line) => !belongsTo(line, name)));
}

/** The names of all lines that have one, in their order, each once; also of those that nobody can log in with. */
export function namesOf(bytes: Uint8Array): string[] {
  const names = linesOf(bytes).lines.map((line) => nameOf(line));
  return [...new Set(names.filter((name) => name !== null))];
}

/** Each with its line end. */
function linesOf(bytes: Uint8Array): Lines {
  const text = Buffer.from(bytes).toString(ENCODING);
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  return { lines, end: lines[0]?.endsWith("\r\n") ? "\r\n" : "\n" };
}

function nameOf(line: string): string | null {
  const text = Buffer.from(line, ENCODING).toString("utf8");
  if (parseLine(text) === null) return null;
  const [name = ""] = text
    .replace(/^\uFEFF/, "")
    .trimStart()
    .split(":", 1);
  return text.includes(":") && faultOfName(name) === null ? name : null;
}

function belongsTo(line: string, name: string): boolean {
  return nameOf(line) === name;
}

function joined(lines: readonly string[]): Buffer {
  return Buffer.from(lines.join(""), ENCODING);
}
