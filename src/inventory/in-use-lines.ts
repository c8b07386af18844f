import type { Images } from "./in-use-images.ts";

/**
 * Adds what stands in a list of images: one a line, in any of the ways in which lines end. What follows a `#` at
 * the beginning or after a space is a comment; blank lines are nothing. Pure but for `images`.
 */
export function addLines(text: string, images: Images): void {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  for (const [index, line] of lines.entries()) {
    const image = line.replace(/(?:^|\s)#.*$/, "").trim();
    if (image !== "") images.add(image, `line ${index + 1}`);
  }
}
