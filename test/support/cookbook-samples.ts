import type { RetentionInventory } from "../../src/inventory/retention-inventory.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { referrersTag } from "../../src/oci/reference.ts";
import {
  daysAgo,
  digest,
  image,
  index,
  tag,
  tagged,
} from "../../src/retention/inventory-fixtures.ts";

/** What a recipe of docs/retention.md does to a repository. */
export interface Sample {
  readonly recipe: string;
  readonly repository: string;
  readonly parts: Partial<RetentionInventory>;
  readonly stays: readonly string[];
  readonly goes: readonly string[];
  /** Manifests without a tag that go. */
  readonly digests?: readonly Digest[];
  /** Images that the sources list, as `repository:tag`. */
  readonly inUse?: readonly string[];
}

type Ages = Readonly<Record<string, number>>;

/** Tags by their age in days, and which of them were pulled how many days ago. */
function pulled(ages: Ages, pulls: Ages): Partial<RetentionInventory> {
  const { tags, manifests } = tagged(ages);
  return {
    tags,
    manifests: manifests.map((one, at) => {
      const days = pulls[tags[at]?.tag ?? ""];
      return days === undefined ? one : { ...one, pulledAt: daysAgo(days) };
    }),
    pullsSince: 0,
  };
}

/** `v1.9.0=500 latest=1`: each with its age in days. */
const agesOf = (text: string): Ages =>
  Object.fromEntries(text.split(" ").map((one) => [one.split("=")[0], Number(one.split("=")[1])]));

const commit = (n: number): string => n.toString(16).padStart(7, "a");
const builds = (branch: string, ages: readonly number[]): Ages =>
  Object.fromEntries(ages.map((age) => [`${branch}-${commit(age)}`, age]));
const named = (branch: string, ages: readonly number[]): string[] =>
  ages.map((age) => `${branch}-${commit(age)}`);
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

const signature = (of: string): string => `${referrersTag(digest(of))}.sig`;
const megabytes = (name: string, size: number, days: number) =>
  image(name, {
    pushedAt: daysAgo(days),
    blobs: [{ digest: digest(`layer of ${name}`), size: size * 1e6 }],
  });

const ci: Sample = {
  recipe: "CI branches",
  repository: "ci/app",
  parts: pulled(
    {
      ...builds("main", range(1, 60)),
      ...builds("feature", range(20, 27)),
      ...builds("dead", [100, 101, 102]),
      latest: 300,
    },
    { [`dead-${commit(102)}`]: 2 },
  ),
  stays: [
    ...named("main", range(1, 50)),
    ...named("feature", range(20, 24)),
    ...named("dead", [102]),
    "latest",
  ],
  goes: [
    ...named("main", range(51, 60)),
    ...named("feature", [25, 26, 27]),
    ...named("dead", [100, 101]),
  ],
};

export const samples: readonly Sample[] = [
  ci,
  {
    recipe: "Pull requests",
    repository: "app",
    parts: pulled(
      { "pr-1": 8, "pr-2": 4, "pr-3": 4, "pr-4": 2, "mr-17": 9, main: 500 },
      { "pr-3": 1 },
    ),
    stays: ["pr-3", "pr-4", "main"],
    goes: ["pr-1", "pr-2", "mr-17"],
  },
  {
    recipe: "Commits by their hash",
    repository: "services/api",
    parts: pulled(
      { ...Object.fromEntries(range(1, 25).map((age) => [commit(age), age])), release: 400 },
      { [commit(25)]: 3 },
    ),
    stays: [...range(1, 20).map(commit), commit(25), "release"],
    goes: range(21, 24).map(commit),
  },
  {
    recipe: "Releases",
    repository: "products/app",
    parts: tagged({
      ...agesOf("v1.9.0=500 v1.9.1=490 v1.10.0=400 v1.10.1=390 v1.10.2=380"),
      ...agesOf("v1.10.3=370 1.10=370 1=370 latest=370 v1.11.0-rc.1=40 v1.11.0-rc.2=5"),
    }),
    stays: [
      "v1.9.0",
      "v1.9.1",
      "v1.10.1",
      "v1.10.2",
      "v1.10.3",
      "1.10",
      "1",
      "latest",
      "v1.11.0-rc.2",
    ],
    goes: ["v1.10.0", "v1.11.0-rc.1"],
  },
  {
    recipe: "Variants of an image",
    repository: "base/python",
    parts: tagged({
      ...agesOf("3.10.0=9 3.11.0=8 3.12.0=7 3.10.0-alpine=6 3.11.0-alpine=5"),
      ...agesOf("3.12.0-alpine=4 3.9.0-slim=300 latest=1"),
    }),
    stays: ["3.11.0", "3.12.0", "3.11.0-alpine", "3.12.0-alpine", "3.9.0-slim", "latest"],
    goes: ["3.10.0", "3.10.0-alpine"],
  },
  {
    recipe: "Nightly builds",
    repository: "nightly/os",
    parts: tagged({
      ...Object.fromEntries(range(10, 19).map((day) => [`nightly-202605${day}`, 1])),
      ...Object.fromEntries(range(10, 12).map((day) => [`nightly-202605${day}-arm64`, 1])),
      ...agesOf("nightly-20260401=1 nightly-20260402=1"),
    }),
    stays: [
      ...range(13, 19).map((day) => `nightly-202605${day}`),
      ...range(10, 12).map((day) => `nightly-202605${day}-arm64`),
      "nightly-20260401",
    ],
    goes: [...range(10, 12).map((day) => `nightly-202605${day}`), "nightly-20260402"],
  },
  {
    recipe: "Calendar versions",
    repository: "os/base",
    parts: tagged({
      ...Object.fromEntries(range(10, 24).map((day) => [`2025.03.${day}`, 400])),
      ...agesOf("2026.05.31=1 20260530=2 stable=400"),
    }),
    stays: [...range(13, 24).map((day) => `2025.03.${day}`), "2026.05.31", "20260530", "stable"],
    goes: range(10, 12).map((day) => `2025.03.${day}`),
  },
  {
    recipe: "Mirrors and pull-through caches",
    repository: "mirror/docker.io/library/nginx",
    parts: pulled({ "1.25": 400, "1.26": 400, "1.27": 20 }, { "1.25": 10, "1.26": 120 }),
    stays: ["1.25", "1.27"],
    goes: ["1.26"],
  },
  {
    recipe: "Mirrors and pull-through caches",
    repository: "mirror/quay.io/unrecorded",
    parts: { ...tagged({ old: 400, older: 800 }), pullsSince: daysAgo(30) },
    stays: ["old", "older"],
    goes: [],
  },
  {
    recipe: "Monorepos",
    repository: "monorepo",
    parts: tagged({
      ...Object.fromEntries(range(1, 12).map((n) => [`api-1.${n}.0`, 1])),
      ...agesOf("web-2.0.0=900 web-2.1.0=800 tools-latest=700"),
    }),
    stays: [...range(3, 12).map((n) => `api-1.${n}.0`), "web-2.0.0", "web-2.1.0", "tools-latest"],
    goes: ["api-1.1.0", "api-1.2.0"],
  },
  {
    recipe: "Helm charts",
    repository: "charts/app",
    parts: tagged({
      ...agesOf("0.1.0=900 0.2.0_build.4=800"),
      ...Object.fromEntries(range(1, 8).map((n) => [`0.3.0-dev.${n}`, 60])),
      "0.3.1-dev.1": 2,
    }),
    stays: ["0.1.0", "0.2.0_build.4", "0.3.1-dev.1", ...range(5, 8).map((n) => `0.3.0-dev.${n}`)],
    goes: range(1, 4).map((n) => `0.3.0-dev.${n}`),
  },
  {
    recipe: "Signed images",
    repository: "team/signed",
    parts: {
      tags: [
        tag("1.0.0", "a", daysAgo(300)),
        tag("build-7", "b", daysAgo(90)),
        tag(signature("a"), "signature of a", daysAgo(300)),
        tag(signature("b"), "signature of b", daysAgo(1)),
      ],
      manifests: [
        ...["a", "b", "signature of a", "signature of b"].map((name) => image(name)),
        image("SBOM of b", { subject: digest("b") }),
      ],
    },
    stays: ["1.0.0", signature("a")],
    goes: ["build-7", signature("b")],
    digests: [digest("SBOM of b")],
  },
  {
    recipe: "Signed images",
    repository: "signatures/team",
    parts: {
      tags: [tag(signature("a"), "signature of a", daysAgo(300))],
      manifests: [image("signature of a")],
    },
    stays: [signature("a")],
    goes: [],
  },
  {
    recipe: "Build caches",
    repository: "app/cache",
    parts: pulled({ main: 100, "pr-1": 9, "pr-2": 100, "pr-3": 3 }, { main: 1 }),
    stays: ["main", "pr-3"],
    goes: ["pr-1", "pr-2"],
  },
  {
    recipe: "Staging and production",
    repository: "apps/shop",
    parts: {
      tags: [
        ...range(1, 12).map((n) => tag(`prod-${n}`, `p${n}`, daysAgo(400 - n))),
        tag("build-100", "p12", daysAgo(500)),
        tag("build-101", "b", daysAgo(40)),
        tag("build-102", "c", daysAgo(4)),
        tag("prod", "p12", daysAgo(388)),
      ],
      manifests: [...range(1, 12).map((n) => image(`p${n}`)), image("b"), image("c")],
    },
    stays: [...range(3, 12).map((n) => `prod-${n}`), "build-102", "prod"],
    goes: ["prod-1", "prod-2", "build-100", "build-101"],
  },
  {
    recipe: "A team's share of the disk",
    repository: "team/models",
    parts: {
      tags: [
        tag("1.0.0", "release", daysAgo(900)),
        tag("run-1", "x", daysAgo(30)),
        tag("run-2", "y", daysAgo(20)),
        tag("run-3", "z", daysAgo(1)),
      ],
      manifests: [
        megabytes("release", 9000, 900),
        megabytes("x", 7000, 30),
        megabytes("y", 7000, 20),
        megabytes("z", 5000, 1),
      ],
    },
    stays: ["1.0.0", "run-2", "run-3"],
    goes: ["run-1"],
  },
  {
    recipe: "Deployments in use",
    repository: "shop/web",
    parts: {
      tags: range(1, 6).map((n) => tag(`build-${n}`, `b${n}`, daysAgo(100 - n))),
      manifests: range(1, 6).map((n) => image(`b${n}`)),
    },
    stays: ["build-1", "build-4", "build-5", "build-6"],
    goes: ["build-2", "build-3"],
    inUse: ["shop/web:build-1"],
  },
  {
    recipe: "Only what nobody names",
    repository: "any/thing",
    parts: {
      tags: [tag("v1", "index")],
      manifests: [
        index("index", ["amd64"]),
        image("amd64"),
        image("lost"),
        image("lately", { untaggedAt: daysAgo(1) }),
      ],
    },
    stays: ["v1"],
    goes: [],
    digests: [digest("lost")],
  },
  {
    recipe: "The ten newest, as older tools count",
    repository: "app",
    parts: tagged({
      ...Object.fromEntries(range(1, 9).map((n) => [`v1.${n}.0`, n])),
      ...agesOf("v1.10.0=99 v1.11.0=98 latest=1"),
    }),
    stays: range(2, 11).map((n) => `v1.${n}.0`),
    goes: ["v1.1.0", "latest"],
  },
  {
    recipe: "The ten newest, as older tools count",
    repository: "library/redis",
    parts: tagged({
      ...Object.fromEntries(range(1, 12).map((n) => [`develop-${n}`, 1])),
      ...agesOf("latest=900 5.0.12=800"),
    }),
    stays: [...range(3, 12).map((n) => `develop-${n}`), "latest", "5.0.12"],
    goes: ["develop-1", "develop-2"],
  },
];
