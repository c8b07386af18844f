import {
  type Inputs,
  at,
  badInput,
  chunks,
  odd,
  refusals,
  slow,
  smuggling,
} from "./support/titles.ts";

const SLOW_HEADS = "for clients that send it byte by byte, and for nobody else";
const STALLED = "stalled clients are dropped after the idle time, and leave nothing open";

/**
 * By their numbers in the list that is used from the first to the last. What is left out concerns what is not
 * here: collection, retention, copying between registries, several servers on one folder, a web page that
 * people log in to.
 */
export const REQUESTS: Inputs = {
  1: { input: "two Content-Lengths", tests: smuggling("two lengths", "two lengths in one line") },
  2: { input: "an empty Content-Length", tests: smuggling("an empty length and a real one") },
  3: {
    input: "chunked and Content-Length",
    tests: smuggling("chunks and a length", "a length and chunks"),
  },
  4: {
    input: "two Transfer-Encodings",
    tests: smuggling("two encodings in two lines", "the wrong one first"),
  },
  5: {
    input: "other Transfer-Encodings",
    tests: smuggling(
      "gzip, chunked",
      "chunked, gzip",
      "xchunked",
      "a vertical tab",
      "a space before the colon",
    ),
  },
  6: {
    input: "an empty Transfer-Encoding",
    tests: smuggling("no encoding, and a length", "a length, and no encoding"),
  },
  7: { input: "chunks with HTTP/1.0", tests: smuggling("chunks with HTTP/1.0") },
  8: { input: "a request as trailer", tests: smuggling("a request in place of a trailer") },
  9: {
    input: "odd sizes of chunks",
    tests: smuggling("FFFFFFFFFFFFFFFF", "0x5", "5_0", "a chunk of size"),
  },
  10: {
    input: "odd ends of chunks, long extensions, many trailers",
    tests: smuggling(
      "a chunk that ends with",
      "64 kilobytes behind the size of a chunk",
      "ten thousand trailers",
    ),
  },
  11: {
    input: "odd line ends and headers",
    tests: smuggling(
      "bare line feeds",
      "a folded header",
      "a NUL in a header",
      "a space before the colon",
      "a lone carriage return",
    ),
  },
  12: {
    input: "odd hosts",
    tests: [
      ...badInput("is never used, and changes nothing", String.raw`x\r\nHost: y`),
      ...smuggling("no Host"),
    ],
  },
  13: {
    input: "heads that are too large",
    tests: smuggling(
      "a header of 64 kilobytes",
      "300 headers",
      "an address of 100 kilobytes",
      "a method of a megabyte",
    ),
  },
  14: {
    input: "other forms of targets, OPTIONS *, CONNECT, TRACE",
    tests: [
      ...badInput("in the address itself is not used either"),
      ...smuggling("OPTIONS *"),
      ...odd("the methods CONNECT and TRACE are no way to anywhere"),
    ],
  },
  15: {
    input: "requests sent ahead",
    tests: [
      ...at("protocol/http-edge", "a body that nobody asked for", "with many requests sent ahead"),
      ...odd("a request without a header behind a POST is refused"),
    ],
  },
  16: {
    input: "slow heads",
    tests: slow(SLOW_HEADS, "after which those who wait at the door are let in"),
  },
  17: {
    input: "slow bodies, stalled readers",
    tests: [
      ...slow(STALLED),
      ...at("protocol/http-edge", "does not hold up others, not even three hundred of them"),
    ],
  },
  18: {
    input: "Expect",
    tests: at(
      "protocol/http-edge",
      "and then nothing leaves nothing behind",
      "of something else is no reason to fail",
    ),
  },
  19: {
    input: "encoded bodies",
    tests: [
      ...at("protocol/push", "content encodings are nobody's business here"),
      ...refusals("it is compressed"),
    ],
  },
  20: {
    input: "many ranges",
    tests: at("protocol/ranges", "for a thousand ranges", "for overlapping ranges"),
  },
  21: {
    input: "odd ranges",
    tests: at(
      "protocol/ranges",
      "bytes=-0",
      "bytes=5-2",
      "bytes=99999999999999999999-",
      "bytes=a-b",
      "items=0-1",
      "bytes=0-9007199254740992",
      "of the empty blob is a 416",
    ),
  },
  22: {
    input: "odd conditions",
    tests: [
      ...at("protocol/ranges", "another entity tag"),
      ...at("protocol/pull", "names it after a thousand others", "is *"),
    ],
  },
  23: {
    input: "Content-Range that lies",
    tests: chunks("fewer bytes than Content-Range says", "more bytes than Content-Range says"),
  },
  24: {
    input: "chunks out of order",
    tests: chunks("leaves a gap", "repeats the last one", "overlaps", "begins below zero"),
  },
  25: {
    input: "several requests on one upload",
    tests: chunks(
      "during a PATCH is refused after a moment",
      "of twenty PATCHes with the same chunk one is taken",
      "of ten PUTs that complete it one is taken",
    ),
  },
  26: {
    input: "odd ends of uploads",
    tests: [
      ...chunks("no digest", "two digests"),
      ...at(
        "protocol/push",
        "are refused with POST and PUT, and the session is gone",
        "the algorithm sha512",
      ),
    ],
  },
  27: {
    input: "digests that are nearly right",
    tests: chunks("upper-case hex", "63 digits", "65 digits", "a Cyrillic а"),
  },
  28: {
    input: "digests that are paths or words",
    tests: chunks("a path", "a path behind a digest", "md5", "no algorithm", "__proto__"),
  },
  29: {
    input: "made-up, foreign and used upload ids",
    tests: chunks(
      "of another repository is unknown to every method",
      "with the made-up id",
      "that is completed is gone",
      "that is cancelled is gone",
    ),
  },
  30: {
    input: "the empty blob and empty bodies",
    tests: at("protocol/push", "bytes for the empty blob", "no bytes for a blob that has some"),
  },
  31: {
    input: "clients that hang up late",
    tests: at(
      "protocol/resume",
      "right after the last byte of a PUT",
      "in a single POST after",
      "every byte that the server had time to read counts",
    ),
  },
  32: {
    input: "odd mounts",
    tests: at(
      "protocol/mount",
      "from its own repository",
      "a source outside",
      "two sources",
      "of a digest that nobody has",
    ),
  },
  33: {
    input: "another repository's digest",
    tests: at(
      "protocol/pull",
      "of another repository is not there, whoever has asked for it before",
    ),
  },
};
