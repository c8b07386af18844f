import { describe, expect, test } from "bun:test";
import { schema } from "../../src/config/schema.ts";
import { RegistryError } from "../../src/oci/errors.ts";
import { openAudit } from "../../src/plan/audit.ts";
import { deciderOf } from "../../src/plan/decider.ts";
import { applyPrune } from "../../src/plan/prune-apply.ts";
import type { PrunePlan } from "../../src/plan/prune-plan.ts";
import { planPrune } from "../../src/plan/prune-planner.ts";
import type { PruneResult } from "../../src/plan/prune-result.ts";
import { openRegistryTarget } from "../../src/plan/targets/open.ts";
import { NOTHING_IN_USE } from "../../src/retention/in-use.ts";
import { failureOf } from "../support/failure.ts";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import {
  DATABASE,
  GOING,
  KEPT,
  type PruneWorld,
  SHARED,
  WEB,
  isSignature,
  partsOf,
  pruneWorld,
} from "../support/pruned-images.ts";
import {
  type PrunedRegistry,
  dockerRegistryWith,
  oursWith,
  standInWith,
} from "../support/pruned-registry.ts";
import type { KindName } from "../support/stand-ins/differences.ts";

/** What can be different about the end. */
interface Row {
  readonly name: string;
  readonly start: (world: PruneWorld) => Promise<PrunedRegistry>;
  readonly entry?: object;
  /** A tag that shares its image is removed alone; otherwise it is kept, and reported. */
  readonly removesTags: boolean;
  /** Only the first removal shows that it cannot: then the run says so, not the plan. */
  readonly showsLate?: boolean;
  /** A signature without a tag is found, and goes with what it signs. */
  readonly findsReferrers: boolean;
}

const NO_CATALOG = { repositories: [DATABASE, WEB] };
const rowOf = (kind: KindName, row: Omit<Row, "name" | "start">): Row => ({
  name: `a stand-in of ${kind}`,
  start: (world) => standInWith(kind, world),
  ...row,
});

const ROWS: readonly Row[] = [
  { name: "ours", start: oursWith, removesTags: true, findsReferrers: true },
  rowOf("registry-2.8", { removesTags: false, findsReferrers: false }),
  rowOf("registry-2.8", {
    entry: { replaceTags: true },
    removesTags: true,
    findsReferrers: false,
  }),
  rowOf("registry-3", { removesTags: true, findsReferrers: false }),
  rowOf("harbor", { removesTags: true, findsReferrers: true }),
  rowOf("harbor", { entry: { type: "oci" }, removesTags: false, findsReferrers: true }),
  rowOf("zot", { removesTags: true, findsReferrers: true }),
  rowOf("gitlab", { entry: NO_CATALOG, removesTags: true, findsReferrers: false }),
  rowOf("ecr", { removesTags: true, findsReferrers: true }),
  rowOf("quay", { removesTags: false, findsReferrers: true }),
  rowOf("acr", { removesTags: false, showsLate: true, findsReferrers: true }),
  rowOf("nexus", { removesTags: true, findsReferrers: false }),
  rowOf("artifactory", { removesTags: true, findsReferrers: false }),
];
const REAL: readonly Row[] = [
  { name: "registry 2.8", start: dockerRegistryWith, removesTags: false, findsReferrers: false },
  {
    name: "registry 2.8, with replaceTags",
    start: dockerRegistryWith,
    entry: { replaceTags: true },
    removesTags: true,
    findsReferrers: false,
  },
];

describe("the same policy leaves the same images", () => {
  for (const row of ROWS) endsRight(row);
});
group("the same policy leaves the same images on the real", ["docker-registry"], () => {
  for (const row of REAL) endsRight(row);
});

function endsRight({ name, start, entry = {}, findsReferrers, ...row }: Row): void {
  const { removesTags, showsLate = false } = row;
  const how = removesTags ? "" : ", but for a tag that it cannot remove alone";
  test(`${name}${Object.keys(entry)
    .map((key) => ` (${key})`)
    .join("")}${how}`, async () => {
    const world = pruneWorld();
    await using registry = await start(world);
    const { plan, result } = await prune(registry, world, entry);

    expect(result.outcome).toBe(showsLate ? "refused" : "done");
    const tags = Object.keys(await registry.tags(WEB)).toSorted();
    const shared = removesTags ? [] : [SHARED];
    expect(tags).toEqual([...KEPT, ...shared].toSorted());
    expect(Object.keys(await registry.tags(DATABASE))).toEqual(["prod-1"]);
    const reported = plan.repositories.flatMap(({ kept }) => kept.map(({ tag }) => String(tag)));
    expect(reported).toEqual(showsLate ? [] : shared);
    await isWhole(registry, world, [...KEPT, ...shared]);
    await isGone(registry, world, findsReferrers);

    const again = await prune(registry, world, entry);
    expect(again.plan.totals).toMatchObject({
      manifests: 0,
      tags: { deleted: showsLate ? shared.length : 0 },
    });
    expect(Object.keys(await registry.tags(WEB)).toSorted()).toEqual(tags);
  });
}

describe("a registry that deletes nothing", () => {
  for (const kind of ["ghcr", "ecr-2023"] as const) {
    test(`${kind} has all of its images afterwards, and the run says so`, async () => {
      const world = pruneWorld();
      await using registry = await standInWith(kind, world);
      const before = await registry.tags(WEB);
      const { result } = await prune(registry, world, NO_CATALOG);
      expect(result.outcome).not.toBe("done");
      expect(result.totals.manifests).toBe(0);
      expect(await registry.tags(WEB)).toEqual(before);
    });
  }
});

describe("a registry that shows its repositories to nobody", () => {
  for (const kind of ["ghcr", "gitlab"] as const) {
    test(`${kind} is not pruned, and what to set is said`, async () => {
      const world = pruneWorld();
      await using registry = await standInWith(kind, world);
      const error = await failureOf(prune(registry, world));
      expect(["REMOTE", "CREDENTIALS"]).toContain(error.kind);
      expect(error.message).toContain("registries[].repositories");
    });
  }
});

describe("a wrong password", () => {
  // GitHub's kind takes a token from its token server, zot's a password, and Harbor takes us for nobody.
  for (const kind of ["ghcr", "zot", "harbor"] as const) {
    test(`is an error of its own at ${kind}, and nothing goes`, async () => {
      const world = pruneWorld();
      await using registry = await standInWith(kind, world, { open: true });
      const before = await registry.tags(WEB);
      const wrong = { ...NO_CATALOG, password: "wrong" };
      expect((await failureOf(prune(registry, world, wrong))).kind).toBe("CREDENTIALS");
      expect(await registry.tags(WEB)).toEqual(before);
    });
  }
});

test("a web server that answers 404 with pages of its own makes nothing go that should stay", async () => {
  const world = pruneWorld();
  await using registry = await standInWith("proxied", world);
  await prune(registry, world);
  await isWhole(registry, world, KEPT);
});

test("a user of zot who may not delete what has several tags loses nothing to that", async () => {
  const world = pruneWorld();
  await using registry = await standInWith("zot", world);
  registry.meetCollisions?.();
  const { result } = await prune(registry, world);
  expect(result.outcome).toBe("done");
  expect(Object.keys(await registry.tags(WEB)).toSorted()).toEqual(KEPT);
});

test("immutable tags of a Harbor stay with their images, and are reported", async () => {
  const world = pruneWorld();
  await using registry = await standInWith("harbor", world, { immutable: ["ci-2", "v*"] });
  const { plan, result } = await prune(registry, world);
  expect(result.outcome).toBe("done");
  expect(
    Object.keys(await registry.tags(WEB))
      .filter((tag) => !isSignature(tag))
      .toSorted(),
  ).toEqual([...KEPT, "ci-2", "v1.8.0"].toSorted());
  await isWhole(registry, world, [...KEPT, "ci-2", "v1.8.0"]);
  const said = plan.repositories.flatMap(({ kept }) => kept);
  expect(said.map(({ tag }) => String(tag)).toSorted()).toEqual(["ci-2", "v1.8.0"]);
});

describe("a Harbor that goes away in the middle", () => {
  const troubles = {
    "and does nothing more": () => new Response(null, { status: 502 }),
    "and did the last thing unheard": (first: boolean) =>
      first ? "done" : new Response(null, { status: 502 }),
  } as const;
  for (const [how, trouble] of Object.entries(troubles)) {
    test(`${how}, at any request: every image that stays is whole, and the next run does the rest`, async () => {
      for (let cut = 1, cameThrough = false; !cameThrough; cut++) {
        const world = pruneWorld();
        await using registry = await standInWith("harbor", world);
        const { standIn } = registry;
        if (!standIn) throw new Error("it is one");
        standIn.trouble = (request) => (request >= cut ? trouble(request === cut) : null);
        const first = await prune(registry, world, { retries: 0 }).catch((error: unknown) => {
          if (error instanceof RegistryError) return null;
          throw error;
        });
        cameThrough = standIn.heard.length < cut;
        expect(first?.result.outcome === "done" && first.failures === 0).toBe(cameThrough);
        await isWhole(registry, world, KEPT);
        standIn.trouble = null;
        expect((await prune(registry, world)).result.outcome).toBe("done");
        expect(Object.keys(await registry.tags(WEB)).toSorted()).toEqual(KEPT);
        await isWhole(registry, world, KEPT);
        await isGone(registry, world, true);
      }
    });
  }
});

async function prune(
  registry: PrunedRegistry,
  world: PruneWorld,
  more: object = {},
): Promise<{ plan: PrunePlan; failures: number; result: PruneResult }> {
  await using folder = await temporaryFolder();
  const [settings] = schema.shape.registries.parse([{ ...registry.entry, ...more }]);
  if (!settings) throw new Error("there is one");
  const audit = openAudit(folder.at("audit.jsonl"));
  const target = await openRegistryTarget(settings, {
    environment: {},
    state: folder.path,
    now: Date.now,
    warn() {},
  });
  try {
    const decider = deciderOf(world.policies, { now: Date.now(), inUse: NOTHING_IN_USE });
    const clock = Date.now;
    const { plan, failures } = await planPrune({ target, decider, clock, concurrency: 4 });
    const result = await applyPrune({ target, plan, clock, concurrency: 4, audit });
    return { plan, failures, result };
  } finally {
    audit.close();
    await target.close();
  }
}

async function isWhole(
  registry: PrunedRegistry,
  { images }: PruneWorld,
  tags: readonly string[],
): Promise<void> {
  const there = await registry.tags(WEB);
  for (const tag of tags) {
    const image = images.find(([place]) => place === `${WEB}:${tag}`)?.[1];
    if (!image) throw new Error(`${tag} is of no image`);
    expect([tag, there[tag]]).toEqual([tag, image.digest]);
    const { manifests, blobs } = partsOf(image);
    for (const digest of manifests) {
      expect([tag, digest, await registry.hasManifest(WEB, digest)]).toEqual([tag, digest, true]);
    }
    for (const digest of blobs) {
      expect([tag, digest, await registry.hasBlob(WEB, digest)]).toEqual([tag, digest, true]);
    }
  }
  const kept = images.filter(([place]) => tags.some((tag) => place === `${WEB}:${tag}`));
  for (const [, signature] of images.filter(([place]) => place.endsWith("@"))) {
    const signed = kept.some(([, { digest }]) => signature.subject === digest);
    if (signed) expect(await registry.hasManifest(WEB, signature.digest)).toBe(true);
  }
}

async function isGone(
  registry: PrunedRegistry,
  { images }: PruneWorld,
  findsReferrers: boolean,
): Promise<void> {
  const going = images.filter(([place]) => GOING.some((tag) => place === `${WEB}:${tag}`));
  for (const [place, { digest }] of going) {
    expect([place, await registry.hasManifest(WEB, digest)]).toEqual([place, false]);
  }
  for (const [, signature] of images.filter(([place]) => place.endsWith("@"))) {
    if (!going.some(([, { digest }]) => signature.subject === digest)) continue;
    expect(await registry.hasManifest(WEB, signature.digest)).toBe(!findsReferrers);
  }
}
