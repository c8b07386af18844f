/**
 * Regular expressions that JavaScript's own engine runs as RE2 would: with the same outcome, and in linear
 * time. RE2 in JavaScript takes ten times as long, and there may be a million tags to ask about.
 *
 * They are pieces in a row, each a set of characters with a count; round brackets only mark groups. The
 * engine goes back when a later piece fails. A piece that what follows cannot begin with (`\d+` before `-`)
 * is tried shorter at no cost: the next character is refused at once. One piece alone may be ambiguous
 * (`.+`), if it stands at one place only (after `^`) and what follows has one length: for each of its
 * lengths the rest is tried once. So no work multiplies with another. All else is left to RE2.
 */
export interface Piece {
  /** Of each ASCII character, and at 128 of all others together, whether it is in the set. */
  readonly set: readonly boolean[];
  readonly least: number;
  readonly most: number;
}

export interface PlainExpression {
  readonly pieces: readonly Piece[];
  readonly begins: boolean;
  readonly ends: boolean;
  /** Without names; groups have the numbers that RE2 gives them. */
  readonly native: RegExp;
}

/** Counts together: what the engine has to hold, and what a place may cost. */
const LARGEST = 300;

/** The text is one that RE2 takes. Null: it is left to RE2. Pure. */
export function plainExpression(text: string): PlainExpression | null {
  const [, begin = "", body = "", end = ""] = /^(\^?)(.*?)((?<!\\)\$|)$/s.exec(text) ?? [];
  const pieces: Piece[] = [];
  let source = begin;
  let depth = 0;
  let rest = body;
  while (rest !== "") {
    const bracket = /^(?:\(\?:|\((?:\?P?<\w+>)?(?!\?)|\)(?![*+?{]))/.exec(rest)?.[0];
    if (bracket !== undefined) {
      depth += bracket === ")" ? -1 : 1;
      source += bracket.replace(/<.*>/, "").replace(/^\(\?P?$/, "(");
      rest = rest.slice(bracket.length);
      continue;
    }
    const piece = PIECE.exec(rest);
    if (!piece) return null;
    const [whole, characters = "", count = ""] = piece;
    const set = setOf(characters);
    if (set === null) return null;
    pieces.push({ set, ...countOf(count) });
    // The dot is all but the line feed for RE2, and here without some more.
    source += (characters === "." ? "[^\\n]" : characters.replace(/^\\-$/, "-")) + count;
    rest = rest.slice(whole.length);
  }
  const [begins, ends] = [begin !== "", end !== ""];
  if (depth !== 0 || !isLinear(pieces, begins)) return null;
  return { pieces, begins, ends, native: new RegExp(source + end, "u") };
}

/** A character, an escape or a class, and how often it comes; counts after one another are refused by what follows. */
const PIECE =
  /^([A-Za-z0-9_-]|\.|\\[.\-dw]|\[\^?(?:\\[dw.]|[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]|[A-Za-z0-9_.])+-?\])([*+?]|\{\d{1,2}(?:,\d{0,2})?\})?(?![*+?{])/;

const WORD = /\w/;

function setOf(characters: string): readonly boolean[] | null {
  const inverted = characters.startsWith("[^");
  const named = characters === "." ? "\n" : characters;
  const parts = named.match(/\\.|[^\][^\\]-[^\][^\\]|[^\][^]/gs) ?? [];
  const set = Array.from({ length: 129 }, (_, code) => {
    const one = String.fromCharCode(code);
    return code < 128 && parts.some((part) => isIn(one, part));
  });
  if (parts.some((part) => part.length === 3 && (part[0] ?? "") > (part[2] ?? ""))) return null;
  return inverted || characters === "." ? set.map((is) => !is) : set;
}

/** `part`: a character, an escaped one, a class or a range. */
function isIn(one: string, part: string): boolean {
  if (part === "\\d") return one >= "0" && one <= "9";
  if (part === "\\w") return WORD.test(one);
  if (part.length === 3) return one >= (part[0] ?? "") && one <= (part[2] ?? "");
  return one === part.at(-1);
}

function countOf(count: string): Pick<Piece, "least" | "most"> {
  switch (count) {
    case "":
      return { least: 1, most: 1 };
    case "?":
      return { least: 0, most: 1 };
    case "*":
      return { least: 0, most: Infinity };
    case "+":
      return { least: 1, most: Infinity };
  }
  const [, least = "", comma, most] = /^\{(\d+)(,?)(\d*)\}$/.exec(count) ?? [];
  if (comma === "") return { least: Number(least), most: Number(least) };
  return { least: Number(least), most: most === "" ? Infinity : Number(most) };
}

function isLinear(pieces: readonly Piece[], begins: boolean): boolean {
  const finite = pieces.map(({ least, most }) => (most === Infinity ? least : most));
  if (finite.reduce((sum, one) => sum + one, 0) > LARGEST) return false;
  // Every place of the text is one to begin at.
  if (!begins && pieces.some(({ most }) => most === Infinity)) return false;
  const ambiguous = pieces.findIndex((_, at) => isAmbiguous(pieces, at));
  if (ambiguous === -1) return true;
  return begins && pieces.slice(ambiguous + 1).every(({ least, most }) => least === most);
}

/** Whether a shorter one could be followed by what follows. */
function isAmbiguous(pieces: readonly Piece[], at: number): boolean {
  const piece = pieces[at];
  if (piece === undefined || piece.least === piece.most) return false;
  for (const next of pieces.slice(at + 1)) {
    if (next.set.some((is, code) => is && piece.set[code] === true)) return true;
    if (next.least > 0) return false;
  }
  // Nothing more has to follow: the longest is taken, or the text goes on and all are refused.
  return false;
}
