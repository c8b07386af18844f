import { writeSync } from "node:fs";

/** Writes all of it, where one call may take less than it was given. Throws what the system says. */
export function writeWhole(file: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) rest = rest.subarray(writeSync(file, rest));
}
