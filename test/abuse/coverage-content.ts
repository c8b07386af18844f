import { type Inputs, at, badInput, odd, refusals, smuggling } from "./support/titles.ts";

const AT_REST = "no pull ends as if it were whole, and the rest is served";
const RACES = "protocol/manifest-races";

/** The rest of the list: names, documents, and what happens to a data folder. */
export const CONTENT: Inputs = {
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
    tests: at(
      "abuse/memory",
      "with its length",
      "in chunks",
      "in one chunk",
      "with a length that lies",
    ),
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
      "src/config/any.test.ts: never ends in anything but a refusal",
      "src/config/legacy/registry-gc.test.ts: is an error at start, with its name, and never off",
      "src/config/legacy/registry-manager.test.ts: is refused with %s, and the path of it",
    ],
  },
  75: { input: "clocks that jump", tests: odd("a clock that jumps a year, and back") },
  88: {
    input: "backups that somebody has made up, damaged or cut off",
    tests: at(
      "command/restore-bad",
      "a path that leads out",
      "an absolute path",
      "a symbolic link",
      "a hard link",
      "a device",
      "a duplicate entry",
      "a wrong digest",
      "a sparse file",
      "a file of 8 EiB",
      "cut off anywhere",
      "with a byte changed",
    ),
  },
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
    tests: [
      ...at(
        "protocol/hang-ups",
        "lets a running upload and a running download end",
        "keeps what an upload has",
      ),
      ...at(
        "command/keep",
        "stops at once while it only reads, and goes on after a restart",
        "stops at a safe point while it removes, and at once when it is told twice",
      ),
      ...at("command/keep-sweep", "a sweep of another program is never cut off"),
      "src/keep/alarm.test.ts: notices a machine that slept, and a clock that was put back",
    ],
  },
  97: {
    input: "markup and escapes in labels",
    tests: [
      ...odd("with escape sequences, markup and other alphabets"),
      "src/keep/read-events.test.ts: may have a tag or a digest that is none: then it has none",
    ],
  },
};
