import { describe, expect, test } from "bun:test";
import { planOf, policy } from "../../test/support/prune-run.ts";
import { PruneWorld } from "../../test/support/prune-world.ts";
import type { ClockReading } from "../client/clock-reading.ts";
import { clockTrouble, goesByAge } from "./wrong-clock.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A repository whose one tag is older than all that the policies of these tests keep. */
function world(): PruneWorld {
  const made = new PruneWorld();
  made.push("app", ["old-1"], { pushedAt: made.now - 90 * DAY });
  made.push("app", ["v1"]);
  return made;
}

async function planned(at: PruneWorld, clock: ClockReading | null | undefined, rule: object) {
  const target = at.target();
  const told = clock === undefined ? target : { ...target, clock: () => clock };
  const made = await planOf(at, [policy(rule)], { target: told });
  return { ...made, tags: made.plan.totals.tags.deleted };
}

const BY_AGE = { delete: [{ tags: ["old-*"], olderThan: 30 * DAY, clock: "pushed" }] };

describe("clocks that are more than an hour apart", () => {
  test("keep a repository whole whose policy goes by age, and say both times", async () => {
    const at = world();
    const clock = { ours: Date.UTC(2036, 0, 1), theirs: Date.UTC(2026, 0, 1) };
    const { plan, refused, failures, tags } = await planned(at, clock, BY_AGE);

    expect({ refused, failures, tags }).toEqual({ refused: 1, failures: 0, tags: 0 });
    expect(plan.repositories[0]?.actions).toEqual([]);
    expect(plan.totals.bytes.freed).toBe(0);
    const [kept] = plan.totals.keptRepositories;
    expect(kept?.reason).toContain("2036-01-01T00:00:00.000Z here");
    expect(kept?.reason).toContain("2026-01-01T00:00:00.000Z at the registry");
  });

  test("do so whichever is ahead", async () => {
    const clock = { ours: DAY, theirs: DAY + HOUR + 1 };
    expect(await planned(world(), clock, BY_AGE)).toMatchObject({ refused: 1, tags: 0 });
  });

  test("matter to no policy that asks for no age", async () => {
    const clock = { ours: DAY, theirs: 0 };
    expect(await planned(world(), clock, {})).toMatchObject({ refused: 0, tags: 1 });
  });
});

test("clocks an hour apart, and a registry that tells no time, change nothing", async () => {
  for (const clock of [{ ours: HOUR, theirs: 0 }, { ours: 0, theirs: HOUR }, null, undefined]) {
    expect(await planned(world(), clock, BY_AGE)).toMatchObject({ refused: 0, tags: 1 });
  }
});

test("a time that is no date is shown as it is", () => {
  expect(clockTrouble({ ours: 0, theirs: 9e15 })).toContain("9000000000000000 at the registry");
});

test("a policy goes by age when one of its rules does, or for a budget", () => {
  const none = policy();
  expect(goesByAge(none)).toBe(false);
  expect(goesByAge({ ...none, keep: [{ newest: 3, of: "selected" }] })).toBe(false);
  expect(goesByAge({ ...none, delete: [{ untagged: true, clock: "pushed" }] })).toBe(true);
  expect(goesByAge({ ...none, delete: [{ olderThan: 1, clock: "pulled" }] })).toBe(true);
  for (const within of ["pulledWithin", "pushedWithin", "createdWithin"]) {
    expect(goesByAge({ ...none, keep: [{ [within]: DAY, of: "selected" }] })).toBe(true);
  }
  const budget = { size: 1, per: "repository", oldest: "pushed" } as const;
  expect(goesByAge({ ...none, budget })).toBe(true);
});
