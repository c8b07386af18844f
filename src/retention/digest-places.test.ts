import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Digest } from "../oci/digest.ts";
import { DigestPlaces } from "./digest-places.ts";

test("finds what a map finds, also of digests that are none", () => {
  const digests = fc.oneof(
    fc.string({ maxLength: 2, unit: fc.constantFrom("a", "b", "\u{1f600}") }),
    fc.nat({ max: 99 }).map((n) => `sha256:${String(n).padStart(64, "0")}`),
  ) as fc.Arbitrary<Digest>;
  fc.assert(
    fc.property(fc.array(digests, { maxLength: 80 }), fc.array(digests), (here, asked) => {
      const places = new DigestPlaces(here.map((digest) => ({ digest })));
      const map = new Map(here.map((digest, at) => [digest, at]));
      for (const digest of [...here, ...asked]) {
        expect(places.find(digest)).toBe(map.get(digest) ?? -1);
      }
    }),
  );
});
