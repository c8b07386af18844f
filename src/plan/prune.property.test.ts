import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { applyTo, planOf, policy } from "../../test/support/prune-run.ts";
import { PruneWorld } from "../../test/support/prune-world.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { RetentionPolicy } from "../retention/policy.ts";
import { tagsOf } from "./plan-repository.ts";

const RUNS = Number(process.env["PRUNE_RUNS"] ?? 300);
const DAY = 86_400_000;

const repository = fc.constantFrom("a", "b/c", "d");
const tag = fc.constantFrom("old-1", "old-2", "old-3", "v1", "v2", "latest", "keep");
const blob = fc.constantFrom("x", "y", "z", "base");

/** Something that a client does. Numbers choose among what is there. */
const step = fc.oneof(
  fc.record({
    kind: fc.constant("image"),
    repository,
    tags: fc.array(tag, { maxLength: 3 }),
    blobs: fc.array(blob, { maxLength: 3 }),
    age: fc.nat(40),
  }),
  fc.record({
    kind: fc.constant("index"),
    repository,
    tags: fc.array(tag, { minLength: 1, maxLength: 2 }),
    of: fc.array(fc.nat(9), { minLength: 1, maxLength: 3 }),
    age: fc.nat(40),
  }),
  fc.record({ kind: fc.constant("referrer"), repository, of: fc.nat(9), age: fc.nat(40) }),
  fc.record({ kind: fc.constant("tag"), repository, tag, of: fc.nat(9), age: fc.nat(40) }),
);
type Step = Readonly<Record<string, unknown>> & {
  readonly kind: string;
  readonly repository: string;
};

const policies: fc.Arbitrary<RetentionPolicy[]> = fc
  .record({
    untagged: fc.boolean(),
    olderThan: fc.option(fc.constantFrom(5 * DAY, 20 * DAY), { nil: undefined }),
    newest: fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined }),
    budget: fc.option(
      fc.record({
        size: fc.nat(6000),
        per: fc.constantFrom("policy" as const, "repository" as const),
      }),
      { nil: undefined },
    ),
  })
  .map(({ untagged, olderThan, newest, budget }) => [
    policy({
      delete: [
        { tags: ["old-*", "v*"], olderThan, clock: "pushed" },
        ...(untagged ? [{ untagged: true, clock: "pushed" as const }] : []),
      ],
      keep: [
        { tags: ["keep"], of: "selected" },
        ...(newest === undefined ? [] : [{ tags: ["v*"], newest, of: "selected" as const }]),
      ],
      budget: budget && { ...budget, oldest: "pushed" },
    }),
  ]);

function perform(world: PruneWorld, one: Step, young: boolean): void {
  const there = [...world.at(one.repository).manifests.keys()];
  const chosen = (which: unknown): Digest | undefined => there[Number(which) % there.length];
  const pushedAt = young ? world.now : world.now - Number(one["age"]) * DAY;
  const tags = (one["tags"] ?? []) as string[];
  if (one.kind === "image") {
    world.push(one.repository, tags, { blobs: one["blobs"] as string[], pushedAt });
  }
  if (there.length === 0) return;
  if (one.kind === "index") {
    const children = [...new Set((one["of"] as number[]).map((which) => chosen(which) as Digest))];
    world.push(one.repository, tags, { children, pushedAt });
  }
  const of = chosen(one["of"]) as Digest;
  if (one.kind === "referrer")
    world.push(one.repository, [], { subject: of, blobs: ["sig"], pushedAt });
  if (one.kind === "tag") world.tag(one.repository, String(one["tag"]), of, pushedAt);
}

function filled(steps: readonly Step[]): PruneWorld {
  const world = new PruneWorld();
  for (const one of steps) perform(world, one, false);
  return world;
}

/** Whatever a tag leads to is there: its manifest, all below it, all signatures that were there. */
function expectWhole(world: PruneWorld, before: PruneWorld): void {
  for (const [name, { tags, manifests }] of world.repositories) {
    const was = before.repositories.get(name)?.manifests ?? new Map<Digest, never>();
    const waiting = [...tags.values()].map(({ digest }) => digest);
    const seen = new Set<Digest>();
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      // What was never complete need not be.
      if (!was.has(next)) continue;
      const manifest = manifests.get(next);
      expect({ name, missing: manifest === undefined ? next : null }).toEqual({
        name,
        missing: null,
      });
      waiting.push(...(manifest?.children ?? []));
      for (const one of was.values()) if (one.subject === next) waiting.push(one.digest);
    }
  }
}

const gone = new RegistryError("REMOTE", { reason: "the connection was closed" });

describe("whatever is in a registry, and whatever its policy", () => {
  test("a plan frees exactly the bytes that it says, and a second plan finds nothing more", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        policies,
        fc.boolean(),
        async (steps, rules, removesTags) => {
          const world = filled(steps);
          const target = world.target({ removesTags });
          const { plan } = await planOf(world, rules, { target });
          const before = world.copy();

          const result = await applyTo(world, plan, { target });

          expect(result.outcome).toBe("done");
          expect(before.bytes() - world.bytes()).toBe(plan.totals.bytes.freed);
          expectWhole(world, before);
          const again = await planOf(world, rules, { target });
          if (!rules[0]?.budget)
            expect(again.plan.totals.tags.deleted + again.plan.totals.manifests).toBe(0);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("interrupted runs and a whole one leave what one whole run leaves", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        policies,
        fc.array(fc.record({ after: fc.nat(12), how: fc.constantFrom("gone", "stop") }), {
          maxLength: 4,
        }),
        async (steps, rules, cuts) => {
          const world = filled(steps);
          const { plan } = await planOf(world, rules);
          const once = world.copy();
          await applyTo(once, plan);
          const before = world.copy();

          for (const { after, how } of cuts) {
            const stop = new AbortController();
            let calls = 0;
            world.before = () => {
              if (++calls <= after) return;
              if (how === "gone") throw gone;
              stop.abort();
            };
            await applyTo(world, plan, { stop: stop.signal });
            expectWhole(world, before);
          }
          world.before = () => undefined;
          const last = await applyTo(world, plan);

          expect(last.outcome).toBe("done");
          expect(world.state()).toEqual(once.state());
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("nothing that stayed in the plan, and nothing that came after it, is ever removed", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        policies,
        fc.array(fc.record({ at: fc.nat(30), step }), { maxLength: 6 }),
        async (steps, rules, changes) => {
          const world = filled(steps);
          const { plan } = await planOf(world, rules);
          const planned = new Map(
            plan.repositories.map((one) => [one.repository, new Set(one.actions.flatMap(tagsOf))]),
          );
          const complete = world.copy();
          const kept: {
            readonly name: RepositoryName;
            readonly tag: string;
            readonly digest: Digest;
          }[] = [];
          for (const [name, { tags }] of world.repositories) {
            for (const [one, { digest }] of tags) {
              if (!planned.get(name)?.has(one)) kept.push({ name, tag: one, digest });
            }
          }
          world.now += DAY;
          let calls = 0;
          /** Only before a repository is looked at: what comes between that look and a delete nobody can see. */
          world.before = ({ method }) => {
            if (method !== "inventoryOf") return;
            for (const change of changes) {
              if (change.at % 4 === calls) disturb(world, complete, change.step, kept);
            }
            calls++;
          };
          await applyTo(world, plan, { concurrency: 1 });

          for (const { name, tag: one, digest } of kept) {
            const now = world.at(name).tags.get(one as never)?.digest;
            expect({ name, one, digest: now }).toEqual({ name, one, digest });
          }
          expectWhole(world, complete);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

/** Does it to the world while a plan is carried out, and writes down what must not be lost from then on. */
function disturb(
  world: PruneWorld,
  complete: PruneWorld,
  one: Step,
  kept: { name: RepositoryName; tag: string; digest: Digest }[],
): void {
  const before = new Map(world.at(one.repository).tags);
  perform(world, one, true);
  const stored = world.at(one.repository);
  const name = one.repository as RepositoryName;
  for (const [digest, manifest] of stored.manifests)
    complete.at(name).manifests.set(digest, manifest);
  for (const [tag_, now] of stored.tags) {
    if (before.get(tag_) === now) continue;
    const at = kept.findIndex((other) => other.name === name && other.tag === tag_);
    if (at >= 0) kept.splice(at, 1);
    kept.push({ name, tag: tag_, digest: now.digest });
  }
}
