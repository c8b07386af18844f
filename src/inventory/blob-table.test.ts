import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Digest, digestOf } from "../oci/digest.ts";
import { BlobTable } from "./blob-table.ts";

test("it is a map from digests, of both algorithms, to size, time and marks", () => {
  const word = fc.nat(3000);
  const step = fc.record({
    word,
    sha512: fc.boolean(),
    size: fc.nat(),
    at: fc.nat(),
    marks: fc.nat(7),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 2000, size: "max" }), (steps) => {
      const table = new BlobTable();
      const model = new Map<Digest, { size: number; at: number; marks: number }>();
      for (const { word: number, sha512, size, at, marks } of steps) {
        const digest = digestOf(Buffer.from(String(number)), sha512 ? "sha512" : "sha256");
        expect(table.find(digest) >= 0).toBe(model.has(digest));
        table.mark(table.add(digest, size, at), marks);
        model.set(digest, { size, at, marks: (model.get(digest)?.marks ?? 0) | marks });
      }
      expect(table.count).toBe(model.size);
      const found = [...table.ids()].map((id) => {
        expect(table.find(table.digestOf(id))).toBe(id);
        const facts = { size: table.sizeOf(id), at: table.timeOf(id), marks: table.marksOf(id) };
        return [table.digestOf(id), facts] as const;
      });
      expect(new Map(found)).toEqual(model);
    }),
    { numRuns: 20 },
  );
});

test("a mark is taken from all at once, and others stay", () => {
  const table = new BlobTable();
  const id = table.add(digestOf(Buffer.from("a")), 1, 1);
  table.mark(id, 3);
  table.unmark(1);
  expect(table.marksOf(id)).toBe(2);
});
