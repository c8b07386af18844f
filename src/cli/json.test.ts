import { expect, test } from "bun:test";
import fc from "fast-check";
import { jsonDocument } from "./json.ts";

test("a document says its version first", () => {
  expect(jsonDocument({ a: [1] })).toBe('{\n  "schemaVersion": 1,\n  "a": [\n    1\n  ]\n}');
});

test("any value comes back the same, and no character of it reaches the terminal as a command", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const document = jsonDocument({ text });
      expect(document.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect((JSON.parse(document) as { text: string }).text).toBe(text);
    }),
  );
});
