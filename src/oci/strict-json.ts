/**
 * JSON for documents that two parties must understand alike.
 *
 * `JSON.parse` takes the last of two equal keys and nests without limit, so the same bytes can mean one
 * thing here and another in a client (CVE-2021-41190 was of that family). This refuses both, and what
 * is not plain UTF-8. The depth is checked by a scan before `JSON.parse` sees the text.
 */
export const MAX_DEPTH = 32;

/** In one object. Annotations have a few dozen; a million of them would keep the server busy for seconds. */
const MAX_KEYS = 10_000;

/** Why a text was refused, in words for the one who sent it. */
export class JsonError extends Error {}

/** Parses UTF-8 JSON. Throws JsonError on bad UTF-8, a byte order mark, duplicate keys or depth over 32. */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = decode(bytes);
  scan(text);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new JsonError(`it is not JSON (${(error as Error).message})`);
  }
}

function decode(bytes: Uint8Array): string {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw new JsonError("it begins with a byte order mark");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new JsonError("it is not UTF-8");
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Walks brackets and strings only: what is no valid JSON otherwise is left to `JSON.parse`. */
function scan(text: string): void {
  /** The keys of each open object; null for an array. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case "{":
      case "[":
        open.push(text[at] === "{" ? new Set() : null);
        if (open.length > MAX_DEPTH)
          throw new JsonError(`it nests deeper than ${MAX_DEPTH} levels`);
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case '"': {
        const end = endOfString(text, at);
        const keys = open.at(-1);
        if (keys && isKey(text, end + 1)) addKey(keys, text.slice(at, end + 1));
        at = end;
        break;
      }
      default:
    }
  }
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === BACKSLASH) at++;
    else if (char === QUOTE) return at;
  }
  throw new JsonError("a string does not end");
}

function isKey(text: string, after: number): boolean {
  let at = after;
  while (at < text.length && " \t\r\n".includes(text[at] ?? "")) at++;
  return text[at] === ":";
}

function addKey(keys: Set<string>, quoted: string): void {
  let key = quoted;
  try {
    // "a" and "\u0061" are one key.
    key = JSON.parse(quoted) as string;
  } catch {
    throw new JsonError("a key is not a JSON string");
  }
  if (keys.has(key)) throw new JsonError(`the key ${quoted.slice(0, 80)} stands twice`);
  if (keys.size === MAX_KEYS) throw new JsonError(`an object has more than ${MAX_KEYS} keys`);
  keys.add(key);
}
