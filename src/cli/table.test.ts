import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { table } from "./table.ts";

describe("a table", () => {
  test("has its columns in line, numbers from the right, and no space at the end of a line", () => {
    const columns = [{ title: "TAG" }, { title: "SIZE", align: "right" }, { title: "X" }] as const;

    expect(
      table(columns, [
        ["latest", "1 B", "a"],
        ["1", "100 B", ""],
      ]),
    ).toEqual(["TAG      SIZE  X", "latest    1 B  a", "1       100 B"]);
  });

  test("counts columns on the screen, not characters", () => {
    expect(
      table(
        [{ title: "A" }, { title: "B" }],
        [
          ["大", "x"],
          ["é", "y"],
        ],
      ),
    ).toEqual(["A   B", "大  x", "é   y"]);
  });

  test("never obeys what stands in a cell, and stays in line", () => {
    const cell = fc.string({ unit: "binary", maxLength: 20 });
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell)), (rows) => {
        const lines = table([{ title: "A" }, { title: "B" }], rows);
        expect(lines).toHaveLength(rows.length + 1);
        for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
