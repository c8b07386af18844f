import { printable } from "../client/http/printable.ts";

export interface Column {
  readonly title: string;
  /** Numbers are read from the right. */
  readonly align?: "left" | "right";
}

const GAP = "  ";

/** Lines in columns, with the titles first. What a cell has of control characters is made visible. Pure. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => row.map((cell) => printable(cell))),
  ];
  const widths = columns.map((_, at) =>
    Math.max(...lines.map((line) => Bun.stringWidth(line[at] ?? ""))),
  );
  return lines.map((line) =>
    columns
      .map(({ align }, at) => pad(line[at] ?? "", widths[at] ?? 0, align ?? "left"))
      .join(GAP)
      .trimEnd(),
  );
}

function pad(text: string, width: number, align: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, width - Bun.stringWidth(text)));
  return align === "left" ? text + space : space + text;
}
