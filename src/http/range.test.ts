import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RegistryError } from "../oci/errors.ts";
import { announced, contentLength, requestedRange } from "./range.ts";

/** What came of a request for a range: the part, "whole", or the refusal. */
function answer(header: string, size: number): string {
  try {
    const range = requestedRange(header, size);
    return range ? `${range.start}..${range.end}` : "whole";
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return `${error.kind} ${error.headers["content-range"]}`;
  }
}

/** RFC 9110, section 14.1.2, byte for byte: which of the positions below `size` does the range contain? */
function slowAnswer(wanted: (position: number) => boolean, size: number): string {
  const positions = Array.from({ length: size }, (_, position) => position).filter(wanted);
  const [first] = positions;
  if (first === undefined) return `RANGE_UNSATISFIABLE bytes */${size}`;
  return `${first}..${(positions.at(-1) ?? 0) + 1}`;
}

describe("the range that a reader asks for", () => {
  const MOST = 10;
  const numbers = Array.from({ length: MOST + 3 }, (_, n) => n);

  test("agrees with counting the bytes one by one, for every range of every small blob", () => {
    const wrong: string[] = [];
    const check = (header: string, size: number, wanted: (position: number) => boolean): void => {
      if (answer(header, size) !== slowAnswer(wanted, size))
        wrong.push(`${header} of ${size}: ${answer(header, size)}`);
    };
    for (let size = 0; size <= MOST; size++) {
      for (const a of numbers) {
        check(`bytes=${a}-`, size, (position) => position >= a);
        check(`bytes=-${a}`, size, (position) => position >= size - a);
        for (const b of numbers)
          check(`bytes=${a}-${b}`, size, (position) => a <= position && position <= b);
      }
    }

    expect(wrong).toEqual([]);
  });

  test("lies inside of the blob and has at least a byte, whatever is asked", () => {
    const number = fc.oneof(
      fc.nat(),
      fc.constantFrom("0", "00", "9007199254740993", "9".repeat(40), "9".repeat(400)),
    );
    const header = fc.oneof(
      fc.tuple(number, number).map(([a, b]) => `bytes=${a}-${b}`),
      number.map((a) => `bytes=${a}-`),
      number.map((a) => `bytes=-${a}`),
      fc.string({ unit: fc.constantFrom(..."bytes=-0123,; ") }),
    );
    fc.assert(
      fc.property(
        header,
        fc.oneof(fc.nat(100), fc.nat(2 ** 31), fc.constant(2 ** 50)),
        (text, size) => {
          const given = answer(text, size);
          if (given === "whole" || given === `RANGE_UNSATISFIABLE bytes */${size}`) return;
          const [start = -1, end = -1] = given.split("..").map(Number);
          expect(start).toBeGreaterThanOrEqual(0);
          expect(start).toBeLessThan(end);
          expect(end).toBeLessThanOrEqual(size);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test.each([
    ["the end left open", "bytes=2-", "2..10"],
    ["the end beyond the blob", "bytes=2-99", "2..10"],
    ["an end that no number can hold", `bytes=2-${"9".repeat(400)}`, "2..10"],
    ["an end that a float rounds", "bytes=2-9007199254740993", "2..10"],
    ["more at the end than there is", "bytes=-99", "0..10"],
    ["more at the end than a number can hold", `bytes=-${"9".repeat(400)}`, "0..10"],
    ["leading zeros", "bytes=0002-0003", "2..4"],
  ])("may have %s", (_, header, expected) => {
    expect(answer(header, 10)).toBe(expected);
  });

  test.each([
    ["the first byte behind the end", "bytes=10-"],
    ["a beginning that no number can hold", `bytes=${"9".repeat(400)}-`],
    ["a beginning far away", "bytes=99999999999999999999-"],
    ["no bytes at the end", "bytes=-0"],
    ["an end before the beginning", "bytes=5-2"],
  ])("must not be %s", (_, header) => {
    expect(answer(header, 10)).toBe("RANGE_UNSATISFIABLE bytes */10");
  });

  test.each(["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0"])(
    "of an empty blob is nothing: %s",
    (header) => {
      expect(answer(header, 0)).toBe("RANGE_UNSATISFIABLE bytes */0");
    },
  );

  test.each([
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=1",
    "bytes=1-2-3",
    "bytes=--1",
    "bytes=+1-2",
    "bytes=1-+2",
    "bytes=1.5-2",
    "bytes=0x1-0x2",
    "bytes=1e1-",
    "bytes = 0-1",
    "bytes=0 -1",
    "bytes=\u0661-\u0662",
    "items=0-1",
    "0-1",
    "bytes:0-1",
    "bytes=0-0,2-3",
    "bytes=0-0,0-0",
    "bytes=0-0,",
    `bytes=${"0-0,".repeat(1000)}0-0`,
  ])("is the whole blob when the header is not one range: %p", (header) => {
    expect(answer(header, 10)).toBe("whole");
  });

  test("costs nothing to find, however long the header is", () => {
    const began = performance.now();

    expect(answer(`bytes=${"1".repeat(65_536)}`, 10)).toBe("whole");
    expect(answer(`bytes=${"0-0,".repeat(16_384)}`, 10)).toBe("whole");
    expect(performance.now() - began).toBeLessThan(100);
  });
});

describe("what a request says of the bytes it brings", () => {
  const kindOf = (headers: Record<string, string>): string => {
    try {
      return JSON.stringify(announced(new Headers(headers)));
    } catch (error) {
      if (error instanceof RegistryError) return error.kind;
      throw error;
    }
  };

  test("is read back as it was written", () => {
    const range = fc.option(fc.tuple(fc.maxSafeNat(), fc.maxSafeNat()));
    const style = fc.constantFrom(
      (text: string) => text,
      (text: string) => `bytes ${text}`,
      (text: string) => `bytes ${text}/*`,
      (text: string) => `${text}/12345`,
      (text: string) => ` ${text}  `,
    );
    fc.assert(
      fc.property(range, fc.option(fc.maxSafeNat()), style, (places, length, write) => {
        const headers = new Headers();
        if (places) headers.set("content-range", write(places.join("-")));
        if (length !== null) headers.set("content-length", String(length));
        expect(announced(headers)).toEqual({
          start: places?.[0] ?? null,
          end: places?.[1] ?? null,
          length,
        });
      }),
    );
  });

  test("may be nothing", () => {
    expect(announced(new Headers())).toEqual({ start: null, end: null, length: null });
  });

  test.each([
    "",
    "-",
    "0-",
    "-9",
    "9",
    "a-b",
    "0-9-",
    "0--9",
    "-1-9",
    "+0-9",
    "0-0x9",
    "0-1e3",
    "0.5-9",
    "0 - 9",
    "0-9,10-19",
    "bytes=0-9",
    "items 0-9",
    "bytes 0-9/",
    "bytes 0-9/x",
    "bytes */10",
    `0-${"9".repeat(17)}`,
    `${"9".repeat(400)}-1`,
    "0-9999999999999999",
  ])("must be a range: %p in Content-Range is SIZE_INVALID", (range) => {
    expect(kindOf({ "content-range": range })).toBe("SIZE_INVALID");
  });

  test.each([
    "",
    "a",
    "-1",
    "+1",
    "1.5",
    "1e3",
    "0x10",
    "1, 1",
    "1,2",
    "9".repeat(17),
    "9007199254740993",
    "\u0661",
  ])("must be a length: %p in Content-Length is SIZE_INVALID", (length) => {
    const headers = {
      get: (name: string) => (name === "content-length" ? length : null),
    } as Headers;

    expect(() => contentLength(headers)).toThrow(expect.objectContaining({ kind: "SIZE_INVALID" }));
  });

  test("a refusal repeats only the beginning of a long header", () => {
    expect(() => announced(new Headers({ "content-range": "x".repeat(10_000) }))).toThrow(
      /^.{1,200}$/,
    );
  });
});
