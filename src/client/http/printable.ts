/** Control, format (also those that turn the direction of writing), private and unassigned characters. */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * Text that somebody else wrote, made safe for one line on a terminal: what could move the cursor, set
 * colours, or make text look like other text becomes a visible `\u{1b}`. Pure.
 */
export function printable(text: string, longest = Infinity): string {
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return cut.replace(UNSAFE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
