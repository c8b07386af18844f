import { expect, test } from "bun:test";
import fc from "fast-check";
import { planOf, policy } from "../../test/support/prune-run.ts";
import { PruneWorld } from "../../test/support/prune-world.ts";
import type { RetentionInventory } from "../inventory/retention-inventory.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { driftOf } from "./drift.ts";
import type { PlannedRepository } from "./prune-plan.ts";

const APP = parseName("app");
/** It stays, and has the digest of a tag that goes. */
const V1 = parseTag("v1");

/** A plan with an index, its children, a signature and a shared tag, and the world that it was made of. */
async function planned(): Promise<{ world: PruneWorld; plan: PlannedRepository }> {
  const world = new PruneWorld();
  const children = [world.push("app", []), world.push("app", [])];
  const index = world.push("app", ["old-1", "old-2"], { children });
  world.push("app", [], { subject: index });
  world.push("app", ["old-3", "v1"]);
  world.push("app", ["old-4"]);
  const { plan } = await planOf(world, [policy()]);
  return { world, plan: plan.repositories[0] as PlannedRepository };
}

const look = (world: PruneWorld): RetentionInventory => world.inventory(APP) as RetentionInventory;

test("what is as it was has not drifted, in whatever order it comes", async () => {
  const { world, plan } = await planned();
  const inventory = look(world);
  fc.assert(
    fc.property(
      fc.shuffledSubarray([...inventory.tags], { minLength: inventory.tags.length }),
      fc.shuffledSubarray([...inventory.manifests], { minLength: inventory.manifests.length }),
      (tags, manifests) => {
        expect(driftOf(plan, { ...inventory, tags, manifests })).toBeNull();
      },
    ),
  );
});

test("whatever of the planned is gone is no drift", async () => {
  const { world, plan } = await planned();
  const inventory = look(world);
  const going = new Set(plan.actions.map(({ digest }) => digest));
  const keeps = { tags: inventory.tags, manifests: inventory.manifests };
  fc.assert(
    fc.property(fc.infiniteStream(fc.boolean()), (choices) => {
      const left = (digest: (typeof keeps.tags)[number]["digest"]): boolean =>
        !going.has(digest) || choices.next().value;
      const tags = keeps.tags.filter(({ tag, digest }) => tag === V1 || left(digest));
      const manifests = keeps.manifests.filter(({ digest }) => left(digest));
      expect(driftOf(plan, { ...inventory, tags, manifests })).toBeNull();
    }),
  );
});

test("whatever needs something of the planned, and is not of it, is drift", async () => {
  const { plan } = await planned();
  const going = plan.actions.filter(({ action }) => action === "delete-manifest");
  const change = fc.oneof(
    fc.record({ kind: fc.constant("tag" as const), which: fc.nat() }),
    fc.record({ kind: fc.constant("index" as const), which: fc.nat() }),
    fc.record({ kind: fc.constant("referrer" as const), which: fc.nat() }),
  );
  await fc.assert(
    fc.asyncProperty(change, async ({ kind, which }) => {
      const { world, plan: mine } = await planned();
      const { digest } = mine.actions.filter(({ action }) => action === "delete-manifest")[
        which % going.length
      ]!;
      if (kind === "tag") world.tag("app", "new", digest);
      if (kind === "index") world.push("app", ["new"], { children: [digest] });
      if (kind === "referrer") world.push("app", [], { subject: digest });
      expect(driftOf(mine, look(world))).not.toBeNull();
    }),
    { numRuns: 40 },
  );
});

test("what cannot be read any more is drift", async () => {
  const { world, plan } = await planned();
  const unreadable = [{ path: "app", problem: "a link is empty" }];
  expect(driftOf(plan, { ...look(world), unreadable })).toContain("a link is empty");
});
