/** What `JSON.stringify` leaves as it is and a terminal may obey: C1 controls, DEL, formats, separators. */
const UNSAFE = /[\u007f-\u009f\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/**
 * One JSON document for stdout, every document of ours with its `schemaVersion` first. Whatever a foreign
 * registry put into names, it is plain text on a terminal, and the same value to a program. Pure.
 */
export function jsonDocument(value: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ schemaVersion: 1, ...value }, null, 2).replace(UNSAFE, escape);
}

function escape(char: string): string {
  const units = Array.from({ length: char.length }, (_, at) => char.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
