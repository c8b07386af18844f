import { DIFFERENCES, type Kind, KINDS } from "./differences.ts";

/** The part of `docs/registry-differences.md` that says what is different where: one list a kind. */
export function differenceTables(): string {
  const kinds: readonly Kind[] = Object.values(KINDS);
  return kinds
    .map(({ title, differences }) => {
      const lines = differences.map((name) => {
        const { says, source } = DIFFERENCES[name];
        return `- ${says} ([source](${source})): \`${name}\``;
      });
      return `### ${title}\n\nIt\n\n${lines.join("\n")}\n`;
    })
    .join("\n");
}
