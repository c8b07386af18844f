const at = (file: string, ...titles: string[]): string[] =>
  titles.map((title) => `test/${file}.test.ts: ${title}`);
const smuggling = (...titles: string[]) => at("protocol/smuggling", ...titles);
const badInput = (...titles: string[]) => at("protocol/bad-input", ...titles);
const chunks = (...titles: string[]) => at("protocol/chunks", ...titles);
const refusals = (...titles: string[]) => at("protocol/manifest-refusals", ...titles);
const odd = (...titles: string[]) => at("abuse/odd-requests", ...titles);
const slow = (...titles: string[]) => at("abuse/slow-clients", ...titles);

const SLOW_HEADS = "for clients that send it byte by byte, and for nobody else";
const STALLED = "stalled clients are dropped after the idle time, and leave nothing open";
const AT_REST = "no pull ends as if it were whole, and the rest is served";
const RACES = "protocol/manifest-races";

/**
 * By their numbers in the list that is used from the first to the last. What is left out concerns
 * credentials, TLS, notifications, full and failing disks, which have their own tests, or collection,
 * retention and copying between registries.
 */
export const INPUTS: Readonly<
  Record<number, { readonly input: string; readonly tests: readonly string[] }>
> = {
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
  34: {
    input: "names out of the grammar",
    tests: badInput('"a//b"', '"a."', '"a..b"', '"-a"', '"/a"', '"A"', "dots in an address"),
  },
  35: {
    input: "encoded names",
    tests: badInput(
      '"%2e%2e"',
      '"a%2fb"',
      '"a%252fb"',
      '"a%00b"',
      '"a%5cb"',
      '"%c0%ae%c0%ae"',
      '"%u002e%u002e"',
    ),
  },
  36: {
    input: "names with words of the protocol",
    tests: at("protocol/addresses", "a/blobs/uploads", "a/manifests", "a/tags/list"),
  },
  37: {
    input: "reserved and long names",
    tests: [
      ...badInput(
        '"_catalog"',
        '"_layers"',
        '"a/_manifests/b"',
        '"a".repeat(256)',
        '"a/".repeat(128)',
      ),
      ...at("protocol/addresses", '"con"', "length: 128"),
    ],
  },
  38: {
    input: "names that differ by case or normalisation",
    tests: badInput(
      "Known/app",
      String.raw`kn\u00f6wn`,
      String.raw`kno\u0308wn`,
      String.raw`\u212anown`,
    ),
  },
  39: {
    input: "tags out of the grammar",
    tests: at(
      "protocol/manifest-references",
      '".a"',
      '"a".repeat(129)',
      "a%2Fb",
      "sha256:abc",
      "a%0d%0aX-Evil:1",
      "%3Cscript%3E",
    ),
  },
  40: {
    input: "odd page sizes",
    tests: at(
      "protocol/discovery",
      "are refused for n=",
      "clamps the size of a page",
      "are none, without a Link, for n=0",
    ),
  },
  41: {
    input: "odd places to go on",
    tests: at(
      "protocol/discovery",
      "not-a-tag-of-ours",
      '"../"',
      '"%00"',
      "when last stands twice or is longer than any tag",
    ),
  },
  42: {
    input: "odd questions for referrers",
    tests: at(
      "protocol/referrers",
      "takes line ends in a type for a type, not for headers",
      "is refused for",
      "is empty, not a 404, for a subject",
    ),
  },
  43: {
    input: "manifests of a gigabyte",
    tests: badInput("does not grow with what is refused: manifests of 1 GiB"),
  },
  44: {
    input: "deep JSON",
    tests: refusals("it is four megabytes of [", "it nests deeper than 32 levels"),
  },
  45: {
    input: "keys that stand twice",
    tests: refusals("layers stand twice", "mediaType stands twice", "a digest stands twice"),
  },
  46: {
    input: "keys of prototypes",
    tests: at(
      "protocol/manifests",
      "__proto__",
      "with any annotations, and they come back as they were",
    ),
  },
  47: {
    input: "image and index at once",
    tests: refusals("it has layers and manifests", "it has config and fsLayers"),
  },
  48: {
    input: "media types that disagree",
    tests: [
      ...refusals(
        "its Content-Type is that of an index",
        "its Content-Type is text/html",
        "nothing says what it is",
        "its Content-Type is twelve kilobytes long",
      ),
    ],
  },
  49: {
    input: "bytes that are no JSON",
    tests: refusals(
      "it is not UTF-8",
      "byte order mark",
      "it is UTF-16",
      "a NUL follows it",
      "it has NaN",
      "a size is 1e999",
      "something follows it",
    ),
  },
  50: {
    input: "odd sizes",
    tests: [
      ...refusals(
        "a size is negative",
        "a size is a fraction",
        "a size is 2^53",
        "a size is 2^63",
        "a size is",
      ),
      ...odd("whose layer has another size than it says"),
    ],
  },
  51: {
    input: "manifests that name themselves or each other",
    tests: [
      ...at("protocol/manifest-references", "cannot be pushed: its digest would be another one"),
      ...at(
        "protocol/referrers",
        "may come before its subject",
        "may be a referrer itself, and the subject of others",
      ),
    ],
  },
  52: {
    input: "documents made to be expensive",
    tests: [
      ...at(
        RACES,
        "a diamond of indexes, 40 levels deep",
        "an image of fifty thousand different layers",
        "an index that names one child fifty thousand times",
        "%d annotations",
      ),
      ...odd("with a hundred thousand entries"),
    ],
  },
  53: {
    input: "urls of internal hosts",
    tests: at("protocol/manifests", "with urls of any kind, and nothing is ever fetched from them"),
  },
  54: {
    input: "embedded data and types that lie",
    tests: [
      ...refusals("embedded data is other content", "embedded data is four megabytes of zeros"),
      ...odd("that says it is a web page"),
    ],
  },
  55: {
    input: "layers that went, or are elsewhere",
    tests: [
      ...at(
        "protocol/manifest-references",
        "when it was deleted a moment ago",
        "when only another repository has it",
      ),
      ...at(RACES, "never leave the one without the other"),
    ],
  },
  56: {
    input: "pushes of one tag at once",
    tests: [
      ...at(
        RACES,
        "a hundred PUTs of one tag leave one of them",
        "PUT and DELETE of a tag leave it whole or gone",
      ),
      ...odd("If-Match changes nothing"),
    ],
  },
  71: {
    input: "methods in headers and in small letters",
    tests: [
      ...at("protocol/addresses", "does not depend on headers that name another method"),
      ...smuggling('"put"'),
      ...odd("If-Match changes nothing"),
    ],
  },
  73: {
    input: "odd configurations",
    tests: [
      "src/config/load.test.ts: an alias that contains itself",
      "src/config/schema-limits.test.ts: is refused with its place",
    ],
  },
  75: { input: "clocks that jump", tests: odd("a clock that jumps a year, and back") },
  89: {
    input: "a folder with foreign things in it",
    tests: [
      ...at(
        "abuse/damage-at-rest",
        "with thousands of files of uploads",
        "with foreign files and folders everywhere",
      ),
      "src/metadata/read-tree-damage.test.ts: is reported, and costs nothing else",
    ],
  },
  90: {
    input: "a database that is newer, cut off, without its log, or open elsewhere",
    tests: [
      ...at(
        "abuse/damage-at-rest",
        "with a database that is cut off or garbage",
        "with a database whose log was lost",
      ),
      "src/metadata/sqlite.test.ts: of a newer program is refused",
      ...at("command/serve-taken", "a data folder that another server has open"),
    ],
  },
  91: {
    input: "files of blobs that changed",
    tests: at(
      "abuse/damage-at-rest",
      "was removed",
      "was cut off",
      "became a folder",
      AT_REST,
      "has one other bit",
    ),
  },
  94: {
    input: "signals in the middle",
    tests: at(
      "protocol/hang-ups",
      "lets a running upload and a running download end",
      "keeps what an upload has",
    ),
  },
  97: {
    input: "markup and escapes in labels",
    tests: odd("with escape sequences, markup and other alphabets"),
  },
};

export const CLASSES: Readonly<Record<string, readonly string[]>> = {
  "distribution CVE-2017-11468: a manifest was read without a limit":
    badInput("manifests of 1 GiB"),
  "distribution CVE-2023-2253: ?n= allocated n entries": at(
    "protocol/discovery",
    "clamps the size of a page",
  ),
  "CVE-2021-41190: bytes that are an image and an index": refusals(
    "it has layers and manifests",
    "it is an index with layers",
  ),
  "distribution CVE-2026-35172: a deleted blob came back through another repository": at(
    "protocol/pull",
    "whoever has asked for it before",
  ),
  "distribution CVE-2026-41888: DELETE by tag went past the switch": at(
    "protocol/management",
    "every form of it is a 405, and nothing goes",
  ),
  "zot CVE-2024-39897: one repository's blob served in another": at(
    "protocol/pull",
    "of another repository is not there, whoever has asked for it before",
  ),
  "zot 4318: shared children of indexes walked exponentially often": [
    ...at(RACES, "a diamond of indexes, 40 levels deep"),
    "src/gc/check.test.ts: a diamond of indexes is walked once for each image",
  ],
  "Gitea CVE-2026-103667: a blob served as a web page": at(
    "protocol/pull",
    "nothing that a browser would run",
  ),
  "Quay CVE-2026-32589: another repository's upload": chunks(
    "of another repository is unknown to every method, and unharmed",
  ),
  "claircore CVE-2026-10517: urls of a manifest were fetched": at(
    "protocol/manifests",
    "nothing is ever fetched from them",
  ),
  "Harbor CVE-2024-22261: text of the user in a statement": at(
    "protocol/discovery",
    "%27%20OR%201=1--",
  ),
  "oc-mirror CVE-2026-96577: open to the network by default": [
    "src/config/load.test.ts: must say that nobody needs a password",
  ],
  "ORAS CVE-2026-55588: cyclic referrers": at(
    "protocol/referrers",
    "may be a referrer itself, and the subject of others",
  ),
};
