import { describe, expect, test } from "bun:test";
import { cached } from "../metadata/cached.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { TreeFollower } from "../metadata/tree-follower.ts";
import type { TreeScanner } from "../metadata/tree-scanner.ts";
import { announcing } from "../notify/announcing.ts";
import { digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { compared } from "./compared.ts";
import { following } from "./following.ts";
import { guardedMetadata } from "./guarded.ts";
import { Room } from "./room.ts";
import { WriteStop } from "./write-stop.ts";

const NAME = parseName("team/app");
const OTHER = parseName("other");
const DIGEST = digestOf(new Uint8Array());
const TAG = parseTag("v1");
const PAGE = { last: null, limit: 7 };
const BY = { at: 1, requestId: "one" };

/** Each method with all its parameters: the compiler misses one that is left out. */
const CALLS = {
  findManifest: [NAME, TAG],
  findBlob: [NAME, DIGEST],
  hasRepository: [NAME],
  knownRepository: [NAME],
  listTags: [NAME, PAGE],
  listTagNames: [NAME, PAGE],
  listManifests: [NAME, PAGE],
  listBlobs: [NAME, PAGE],
  listRepositories: [PAGE],
  listReferrers: [NAME, DIGEST, "type", PAGE],
  tagsOf: [NAME, DIGEST],
  referencesOf: [NAME, DIGEST],
  readContent: [DIGEST],
  listUploads: [],
  readJournal: [5, 3],
  countJournal: [],
  getSetting: ["key"],
  readEvents: [5, 3],
  newestEvent: [],
  listCursors: [],
  linkBlob: [NAME, { digest: DIGEST, size: 0 }, 1, new Uint8Array(), BY],
  mountBlob: [NAME, DIGEST, OTHER, 1, BY],
  unlinkBlob: [NAME, DIGEST, 1, BY],
  putManifest: [{ name: NAME, tags: [TAG], mediaType: "type" }, BY],
  removeTag: [NAME, TAG, 1, BY],
  removeManifest: [NAME, DIGEST, 1, BY, [TAG]],
  saveUpload: [{ id: "one" }],
  removeUpload: ["one"],
  retireJournal: [5, [OTHER]],
  setSetting: ["key", "value"],
  replaceRepository: [{ name: NAME }],
  setListeners: [["one"]],
  advanceCursors: [[{ endpoint: "one", eventId: 1 }]],
  trimEvents: [5],
  recordsOf: [NAME],
  readReview: [{ manifests: 1, links: 2 }, 5],
  countReview: [{ manifests: 1, links: 2 }],
  listUnlinked: [PAGE],
  hasDoomed: [],
  findHiding: [],
  standingOf: [[DIGEST]],
  holdersOf: [[DIGEST]],
  sumBlobs: [],
  listClaims: [],
  listTrash: [{ limit: 5 }],
  oldestTrash: [5],
  sumTrash: [],
  listRuns: [5],
  see: [[{ kind: "link", name: NAME, digest: DIGEST, at: 1 }]],
  review: [[{ kind: "link", name: NAME, digest: DIGEST, since: 1 }]],
  reviewRepository: [NAME],
  collect: [[{ kind: "link", name: NAME, digest: DIGEST, since: 1 }], { now: 1 }],
  clear: [NAME, [{ kind: "repository" }]],
  doom: [[{ digest: DIGEST, size: 0 }], 1],
  claim: [5, [DIGEST], { run: 1, now: 1 }],
  settle: [[{ id: 1, digest: DIGEST, size: 0, moved: true }]],
  removeTrash: [[1]],
  addTrash: [[{ kind: "blob", digest: DIGEST }]],
  passTrash: [1],
  startRun: [1],
  endRun: [1, 2, "{}"],
  retentionRecordsOf: [NAME],
  builtOf: [[DIGEST]],
  lineageOf: [NAME, DIGEST],
  recordPulls: [[{ name: NAME, digest: DIGEST, at: 1 }]],
  recordBuilt: [[{ digest: DIGEST, builtAt: 1 }]],
  close: [],
} satisfies { [K in keyof Metadata]: readonly unknown[] & { length: Full<K> } };

/** How many parameters a method has, those that may be left out included. */
type Full<K extends keyof Metadata> = Required<Parameters<Metadata[K]>>["length"];

const PLENTY = { bytes: 2 ** 40, freeBytes: 2 ** 39, files: 0, freeFiles: 0 };
const scan: TreeScanner = {
  ready: () => Promise.resolve(),
  listed: Promise.resolve(null),
  finished: new Promise(() => undefined),
  close: async () => undefined,
};
const follower = { wake: () => undefined } as TreeFollower;

const WRAPPERS: Readonly<Record<string, (inner: Metadata) => Metadata>> = {
  cached: (inner) => cached(inner),
  guardedMetadata: (inner) =>
    guardedMetadata(inner, new WriteStop(() => undefined), new Room("/nowhere", () => PLENTY)),
  following: (inner) => following(inner, follower),
  compared: (inner) => compared(inner, scan),
  announcing: (inner) =>
    announcing(
      inner,
      () => true,
      () => undefined,
    ),
};

type Call = (...of: unknown[]) => Promise<unknown>;

for (const [wrapper, wrap] of Object.entries(WRAPPERS)) {
  describe(`${wrapper} passes on every parameter of`, () => {
    for (const [method, parameters] of Object.entries(CALLS)) {
      test(method, async () => {
        const heard: unknown[][] = [];
        const answer = {
          tags: [],
          resized: false,
          bytes: new Uint8Array(),
          manifests: [],
          links: [],
          repositories: [],
        };
        const listen =
          (name: string) =>
          async (...of: unknown[]) => {
            if (name === method) heard.push(of);
            return answer;
          };
        const inner = Object.fromEntries(Object.keys(CALLS).map((name) => [name, listen(name)]));
        const wrapped = wrap(inner as unknown as Metadata);

        const given = await (wrapped[method as keyof Metadata] as Call)(...parameters);

        expect(heard).toEqual([[...parameters]]);
        expect(given).toBe(answer);
      });
    }
  });
}
