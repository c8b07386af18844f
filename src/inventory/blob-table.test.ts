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

test("a table on the memory of another sees the same blobs and marks; one that adds them all, the blobs", () => {
  const table = new BlobTable();
  const digests = Array.from({ length: 1000 }, (_, i) =>
    digestOf(Buffer.from(String(i)), i % 3 === 0 ? "sha512" : "sha256"),
  );
  for (const [i, digest] of digests.entries()) table.add(digest, i, i * 2);
  const same = new BlobTable(table.memory);
  const copy = new BlobTable();
  copy.add(digests[7] as Digest, 1, 1);
  copy.addAll(table.memory);
  table.mark(table.find(digests[5] as Digest), 1);
  same.mark(same.find(digests[6] as Digest), 1);
  expect([same.count, copy.count]).toEqual([1000, 1000]);
  for (const [i, digest] of digests.entries()) {
    const marks = i === 5 || i === 6 ? 1 : 0;
    for (const one of [table, same, copy]) {
      const id = one.find(digest);
      expect([one.digestOf(id), one.sizeOf(id), one.timeOf(id)]).toEqual([digest, i, i * 2]);
      expect(one.marksOf(id)).toBe(one === copy ? 0 : marks);
    }
  }
});
