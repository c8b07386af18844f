import type { Random } from "../../support/random.ts";

/** Texts that parsers stumble over. */
const SPECIALS = [
  "\r\n",
  "\n",
  "\r",
  "\0",
  " ",
  "\t",
  ":",
  "\r\n\r\n",
  "%00",
  "%2e%2e%2f",
  "../",
  "//",
  "?",
  "#",
  "\x80\xff",
  "\u001b[31m",
  "0\r\n\r\n",
  "ffffffff\r\n",
  "Content-Length: 0\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 18446744073709551616\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "Connection: close\r\n",
  "Expect: 100-continue\r\n",
  "Range: bytes=0-0\r\n",
  "Content-Range: 0-0\r\n",
  "Host: evil.example\r\n",
  "__proto__",
  '{"',
  '":[',
  "[[[[[[[[",
  "sha512:",
];

const NUMBERS = [0, 1, -1, 127, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 53, "1e9", "0x10"];

type Mutation = (input: Buffer, random: Random, other: Buffer) => Buffer;

const cut = (input: Buffer, from: number, end: number, put: Uint8Array): Buffer =>
  Buffer.concat([input.subarray(0, from), put, input.subarray(end)]);

/** A stretch of the input, short ones more often. */
function stretch(input: Buffer, random: Random): [from: number, end: number] {
  const from = random.below(input.length + 1);
  const longest = random.chance(0.8) ? 16 : input.length;
  return [from, Math.min(input.length, from + 1 + random.below(longest + 1))];
}

function changeLines(input: Buffer, change: (lines: string[]) => string[]): Buffer {
  const text = input.toString("latin1");
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return input;
  const lines = change(text.slice(0, head).split("\r\n"));
  return Buffer.from(lines.join("\r\n") + text.slice(head), "latin1");
}

const MUTATIONS: readonly Mutation[] = [
  (input, random) => {
    const changed = Buffer.from(input);
    const at = random.below(input.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
    return changed;
  },
  (input, random) => {
    const at = random.below(input.length + 1);
    return cut(input, at, at, random.bytes(1 + random.below(8)));
  },
  (input, random) => {
    const at = random.below(input.length + 1);
    return cut(input, at, at, Buffer.from(random.pick(SPECIALS), "latin1"));
  },
  (input, random) => cut(input, ...stretch(input, random), new Uint8Array()),
  (input, random) => {
    const [from, end] = stretch(input, random);
    const times = 1 + random.below(random.chance(0.1) ? 500 : 4);
    return cut(input, end, end, Buffer.concat(Array(times).fill(input.subarray(from, end))));
  },
  (input, random) => {
    const [from, end] = stretch(input, random);
    const [start, stop] = stretch(input, random);
    return cut(input, from, end, input.subarray(start, stop));
  },
  (input, random) => input.subarray(0, random.below(input.length + 1)),
  (input, random) => {
    const numbers = [...input.toString("latin1").matchAll(/\d+/g)];
    if (numbers.length === 0) return input;
    const { 0: found, index } = random.pick(numbers);
    const put = Buffer.from(String(random.pick(NUMBERS)));
    return cut(input, index, index + found.length, put);
  },
  (input, random) =>
    changeLines(input, (lines) =>
      lines.toSpliced(random.below(lines.length + 1), 0, random.pick(lines)),
    ),
  (input, random) => changeLines(input, (lines) => lines.toSpliced(random.below(lines.length), 1)),
  (input, random) =>
    changeLines(input, (lines) => {
      const at = random.below(lines.length);
      const line = lines[at] ?? "";
      return lines.with(at, random.chance(0.5) ? line.toUpperCase() : line.toLowerCase());
    }),
  (input, random, other) =>
    Buffer.concat([
      input.subarray(0, random.below(input.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ]),
];

/** The input with one to four things changed. Pure: the same for the same random numbers. */
export function mutate(input: Buffer, other: Buffer, random: Random): Buffer {
  let mutated = input;
  for (let times = 1 + random.below(4); times > 0; times--) {
    if (mutated.length > 0) mutated = random.pick(MUTATIONS)(mutated, random, other);
  }
  return mutated;
}
