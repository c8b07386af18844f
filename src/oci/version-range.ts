import { type Comparator, Range } from "semver";
import { type Version, comparePreReleases } from "./version.ts";

/** Decides about versions. */
export interface VersionRange {
  readonly text: string;
  matches(version: Version): boolean;
}

const LONGEST = 300;

/** As a part of a comparator: `1.2.3-rc.1`, `1.0.0-0`; hyphen ranges (`1 - 2`) have spaces. */
const NAMES_PRE_RELEASE = /[\dxX*]-[0-9A-Za-z]/;

/**
 * Reads a range of versions as npm and Helm have it (`>=1.0.0 <3`, `^1.2 || 2.x`). Pure.
 *
 * Pre-releases are in it only where the range itself names one (`>=1.0.0-0`), and then by precedence
 * alone. The first three numbers of a version count; those that it lacks are those of the newest of its
 * line: `1.4` is in `>=1.4.3` and not in `<1.4.5`, because the tag moves.
 */
export function parseVersionRange(text: string): VersionRange | { readonly reason: string } {
  const includePrerelease = NAMES_PRE_RELEASE.test(text);
  let range: Range;
  try {
    if (text.trim() === "" || text.length > LONGEST) throw new TypeError("no range");
    range = new Range(text, { includePrerelease });
  } catch {
    return { reason: "it is no range of versions, such as >=1.0.0 <3, ^1.2 or 1.x" };
  }
  const alternatives = range.set.map((all) => all.map(predicateOf));
  return {
    text,
    matches: (version) =>
      (includePrerelease || version.preRelease.length === 0) &&
      alternatives.some((all) => all.every((holds) => holds(version))),
  };
}

function predicateOf({ operator, semver }: Comparator): (version: Version) => boolean {
  // `*` is a comparator with a symbol in place of its version.
  if (!(semver instanceof Object)) return () => true;
  const { major, minor, patch, prerelease } = semver;
  const compare = ({ numbers: [x, y, z], preRelease }: Version): number =>
    x - major ||
    (y === minor ? 0 : y - minor) ||
    (z === patch ? 0 : z - patch) ||
    comparePreReleases(preRelease, prerelease);
  switch (operator) {
    case ">":
      return (version) => compare(version) > 0;
    case ">=":
      return (version) => compare(version) >= 0;
    case "<":
      return (version) => compare(version) < 0;
    case "<=":
      return (version) => compare(version) <= 0;
    default:
      return (version) => compare(version) === 0;
  }
}
