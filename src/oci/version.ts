/**
 * A tag that is a version. Precedence is that of semver 2.0.0, clause 11; `compareVersions` has it.
 *
 * A version that leaves numbers out stands for the newest of its line, as images are tagged (`1.4` is moved
 * along with 1.4.8, 1.4.9): the numbers that it lacks are Infinity. A fourth number that is not there is 0.
 */
export interface Version {
  readonly numbers: readonly [number, number, number, number];
  /** How many numbers there are: 1 to 4. */
  readonly given: number;
  /** Identifiers of a pre-release, or of a variant (`-alpine`), which nobody can tell from one; empty: a release. */
  readonly preRelease: readonly (number | string)[];
}

/** `2024-01-15`, `20240115`, with a time or a number after it. */
const DATE =
  /^[vV]?((?:19|20)\d\d)([-.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?:[-._T]?(\d{1,6}))?(?:-([0-9A-Za-z.-]+))?$/;

/** Up to four numbers, a pre-release, build metadata (Helm writes `_` for `+`, which no tag can have). */
const VERSION =
  /^([vV]?)(\d{1,15})(?:\.(\d{1,15}))?(?:\.(\d{1,15}))?(?:\.(\d{1,15}))?(?:-([0-9A-Za-z.-]+)|([A-Za-z][0-9A-Za-z.-]*))?(?:_[0-9A-Za-z._-]*)?$/;

/** A longer number by itself may be a short commit. */
const LONGEST_SINGLE = 6;

/**
 * The version that a tag is, with or without `v`, with one to four numbers; null: it is none. Pure.
 *
 * Dates count as three numbers (`2024.01.15`, `2024-01-15`, `20240115`). One number alone is a version
 * with `v`, or with up to six digits: more may be the beginning of a commit. Without its hyphen a
 * pre-release needs two numbers before it (`3.12.0rc1`), for the same reason.
 */
export function parseVersion(tag: string): Version | null {
  if (!beginsAsVersion(tag)) return null;
  const simple = simpleVersion(tag);
  if (simple !== null) return simple;
  const date = DATE.exec(tag);
  if (date) return dateOf(date);
  const match = VERSION.exec(tag);
  if (!match) return null;
  const [, prefix, major = "", minor, patch, fourth, afterHyphen, letters] = match;
  if (minor === undefined) {
    if (prefix === "" && major.length > LONGEST_SINGLE) return null;
    if (letters !== undefined) return null;
  }
  return {
    numbers: [
      Number(major),
      minor === undefined ? Infinity : Number(minor),
      patch === undefined ? Infinity : Number(patch),
      fourth === undefined ? 0 : Number(fourth),
    ],
    given: minor === undefined ? 1 : patch === undefined ? 2 : fourth === undefined ? 3 : 4,
    preRelease: identifiers(afterHyphen ?? letters),
  };
}

/** Says no quickly: most tags that are none begin otherwise. */
function beginsAsVersion(tag: string): boolean {
  const first = tag.charCodeAt(0);
  return isDigit(first === LOWER_V || first === UPPER_V ? tag.charCodeAt(1) : first);
}

const [LOWER_V, UPPER_V] = [0x76, 0x56];

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** `1.2`, `v1.2.3`: most versions, for which an expression takes ten times as long. Null: it says nothing. */
function simpleVersion(tag: string): Version | null {
  let at = isDigit(tag.charCodeAt(0)) ? 0 : 1;
  // A longer one may be the year of a date.
  let longest = 3;
  let [given, major, minor, patch] = [0, 0, 0, Infinity];
  for (; given < 3; at++) {
    const begin = at;
    let number = 0;
    for (; isDigit(tag.charCodeAt(at)); at++) number = number * 10 + (tag.charCodeAt(at) - ZERO);
    if (at === begin || at - begin > longest) return null;
    longest = 15;
    if (given === 0) major = number;
    else if (given === 1) minor = number;
    else patch = number;
    given++;
    if (at === tag.length) break;
    if (tag.charCodeAt(at) !== DOT) return null;
  }
  if (given === 1 || at < tag.length) return null;
  return { numbers: [major, minor, patch, 0], given, preRelease: NONE };
}

const [ZERO, DOT] = [0x30, 0x2e];

function dateOf([, year, , month, day, rest, suffix]: RegExpExecArray): Version {
  return {
    numbers: [Number(year), Number(month), Number(day), Number(rest ?? 0)],
    given: rest === undefined ? 3 : 4,
    preRelease: identifiers(suffix),
  };
}

function identifiers(text: string | undefined): readonly (number | string)[] {
  if (text === undefined) return NONE;
  return text.split(".").map((part) => (/^\d{1,15}$/.test(part) ? Number(part) : part));
}

const NONE: readonly never[] = [];

/** Below 0: the first is the older version. 0: the same, as far as precedence goes (`v1.2.3`, `1.2.3`). Pure. */
export function compareVersions(a: Version, b: Version): number {
  for (let at = 0; at < 4; at++) {
    const x = a.numbers[at] ?? 0;
    const y = b.numbers[at] ?? 0;
    if (x !== y) return x < y ? -1 : 1;
  }
  return comparePreReleases(a.preRelease, b.preRelease);
}

/** Of the same numbers: a release is newer than its pre-releases. */
export function comparePreReleases(
  a: readonly (number | string)[],
  b: readonly (number | string)[],
): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (let at = 0; at < a.length && at < b.length; at++) {
    const [x = "", y = ""] = [a[at], b[at]];
    if (x === y) continue;
    if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return a.length - b.length;
}
