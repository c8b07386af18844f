import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RegistryError } from "../oci/errors.ts";
import { type Announced, admit, uploadRange } from "./upload-state.ts";

const UNSAID: Announced = { start: null, end: null, length: null };

/** What is made of a chunk: the number of its bytes, or the kind of the refusal. */
function admitted(offset: number, announced: Partial<Announced>): unknown {
  try {
    return admit(offset, { ...UNSAID, ...announced });
  } catch (error) {
    if (error instanceof RegistryError) return error.kind;
    throw error;
  }
}

describe("a chunk", () => {
  test.each([
    ["says nothing", {}, null],
    ["says only its length", { length: 5 }, 5],
    ["says that it is empty", { length: 0 }, 0],
    ["begins where the upload is", { start: 10, end: 14 }, 5],
    ["begins there and says its length too", { start: 10, end: 14, length: 5 }, 5],
    ["has one byte", { start: 10, end: 10 }, 1],
    ["has none", { start: 10, end: 9, length: 0 }, 0],
  ])("is admitted when it %s", (_, announced, bytes) => {
    expect(admitted(10, announced)).toBe(bytes);
  });

  test.each([
    ["begins behind the end", { start: 11, end: 14 }, "UPLOAD_OUT_OF_ORDER"],
    ["comes again", { start: 5, end: 9 }, "UPLOAD_OUT_OF_ORDER"],
    ["overlaps what is there", { start: 5, end: 14 }, "UPLOAD_OUT_OF_ORDER"],
    ["begins at zero again", { start: 0, end: 9, length: 10 }, "UPLOAD_OUT_OF_ORDER"],
    ["is shorter than its range", { start: 10, end: 19, length: 8 }, "SIZE_INVALID"],
    ["is longer than its range", { start: 10, end: 19, length: 12 }, "SIZE_INVALID"],
    ["ends before it begins", { start: 10, end: 8 }, "SIZE_INVALID"],
  ])("is refused when it %s", (_, announced, kind) => {
    expect(admitted(10, announced)).toBe(kind);
  });

  test("out of order is told where the upload is", () => {
    expect(() => admit(10, { start: 3, end: 4, length: null })).toThrow(
      expect.objectContaining({ status: 416, detail: expect.objectContaining({ offset: 10 }) }),
    );
  });

  test("that is admitted begins where the upload is and has as many bytes as each header says", () => {
    const small = fc.option(fc.nat(6));
    fc.assert(
      fc.property(fc.nat(6), small, small, small, (offset, start, end, length) => {
        const bytes = admitted(offset, { start, end, length });
        const ranged = start !== null && end !== null;
        const right =
          !ranged ||
          (start === offset && end >= start - 1 && (length ?? end - start + 1) === end - start + 1);
        if (right) expect(bytes).toBe(ranged ? end - start + 1 : length);
        else expect(bytes).toBeString();
      }),
    );
  });
});

describe("the range of an upload", () => {
  test.each([
    [0, "0-0"],
    [1, "0-0"],
    [2, "0-1"],
    [2 ** 40, "0-1099511627775"],
  ])("of %d bytes is %s", (offset, range) => {
    expect(uploadRange(offset)).toBe(range);
  });
});
