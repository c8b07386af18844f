import { describe, expect, test } from "bun:test";
import { applyTo, planOf, policy } from "../../test/support/prune-run.ts";
import { PruneWorld } from "../../test/support/prune-world.ts";
import { runReport } from "../plan/run-report.ts";
import { planLines, question, resultLines } from "./prune-report.ts";

const DAY = 86_400_000;
const LONG_AGO = 1_700_000_000_000;
const ci = policy({
  name: "ci",
  delete: [{ tags: ["old-*"], olderThan: 14 * DAY, clock: "pushed" }],
  limits: { emptyRepositories: false },
});

function world(): PruneWorld {
  const made = new PruneWorld();
  const pushedAt = made.now - 30 * DAY;
  const children = [made.push("team/app", []), made.push("team/app", [])];
  made.push("team/app", ["old-1", "old-2"], { children, pushedAt });
  made.push("team/app", ["old-3", "latest"], { blobs: ["x"], pushedAt });
  made.push("team/web", ["old-1"], { pushedAt });
  return made;
}

test("a plan shows what goes and why, what stays for whom, and what is kept whole", async () => {
  const { plan } = await planOf(world(), [ci]);

  const lines = planLines(plan).map((line) => line.replaceAll(/[0-9a-f]{12}/g, "DIGEST"));

  const why = "matches old-*, older than 14d (pushed 2026-12-16) [delete.0]";
  expect(lines).toEqual([
    "To delete from world (https://world.example):",
    "  team/app  (policy ci): 3 of 4 tags, 3 manifests; 300 B to collect",
    `    old-1, old-2  (DIGEST): ${why}`,
    `    old-3  (DIGEST): ${why}; its image stays for latest`,
    "    and 2 manifests that only these need",
    "Kept whole:",
    "  team/web: it would lose all of its tags (1); `limits: { emptyRepositories: true }` of the policy would allow that",
    "3 of 5 tags in 2 repositories go, and 3 manifests: 300 B to collect; the registry's garbage collection frees them",
  ]);
  expect(question([plan])).toBe(
    "Delete 3 tags and 3 manifests (300 B to collect) from world? [y/N] ",
  );
});

test("the lines of a repository stand in the natural order of their tags", async () => {
  const at = new PruneWorld();
  const pushedAt = at.now - 30 * DAY;
  at.push("app", ["old-10", "old-2"], { pushedAt });
  at.push("app", ["old-1", "v1"], { pushedAt });
  at.push("app", ["old-9"], { pushedAt });
  at.push("app", [], { pushedAt });
  at.push("app", ["old-3"], { pushedAt });
  const untagged = { ...ci, delete: [...ci.delete, { untagged: true, clock: "pushed" } as const] };

  const lines = planLines((await planOf(at, [untagged])).plan);

  expect(lines.slice(2, -1).map((line) => line.trim().split("  ")[0])).toEqual([
    "old-1",
    "old-2, old-10",
    "old-3",
    "old-9",
    "untagged",
  ]);
});

test("a result says what was not done, then what was", async () => {
  const at = world();
  at.push("zoo", ["old-1"], { pushedAt: at.now - 30 * DAY });
  at.push("zoo", ["v1"]);
  const { plan } = await planOf(at, [ci]);
  at.push("team/app", ["old-1"], { seed: "new" });

  const lines = resultLines(await applyTo(at, plan));

  expect(lines).toEqual([
    expect.stringMatching(
      /^team\/app: has changed since the plan was made, and is left as it is: old-1 names sha256:/,
    ),
    "deleted 1 tag and 1 manifest from world: 1 repository done; 100 B wait for its garbage collection",
  ]);
});

test("what a rule names and nobody can date is said by repository, apart from what goes", async () => {
  const at = world();
  for (const tag of ["old-7", "old-8"]) at.push("team/dateless", [tag], { pushedAt: 0 });

  const lines = planLines((await planOf(at, [ci])).plan);

  expect(lines).toContain("Kept, although a rule names them:");
  expect(lines).toContain(
    "  team/dateless: 2 tags, old-7 because delete.0 goes by the time when it was pushed, which is not known",
  );
});

describe("of a huge plan", () => {
  test("a terminal shows the beginning, and says how much more there is", async () => {
    const at = new PruneWorld();
    for (let n = 0; n < 300; n++) {
      for (let m = 0; m < 30; m++) at.push(`app-${n}`, [`old-${m}`], { pushedAt: LONG_AGO });
      at.push(`app-${n}`, ["v1"]);
    }
    const { plan } = await planOf(at, [ci]);

    const lines = planLines(plan);

    expect(lines.length).toBeLessThan(1500);
    expect(lines).toContain("    … and 20 more images; --json has all");
    expect(lines).toContain("  … and 200 more repositories; --json has all");
    expect(lines.at(-1)).toStartWith("9000 of 9300 tags in 300 repositories go");
  });

  test("a report names a thousand repositories, those that went wrong among them", async () => {
    const at = new PruneWorld();
    for (let n = 1000; n < 2200; n++) {
      at.push(`app-${n}`, ["old-1"], { pushedAt: LONG_AGO });
      at.push(`app-${n}`, ["v1"]);
    }
    const { plan } = await planOf(at, [ci]);
    at.push("app-2199", ["old-1"], { seed: "new" });

    const report = runReport(plan, "sha256:1", await applyTo(at, plan), at.now);

    expect(report.repositories).toHaveLength(1000);
    expect(report).toMatchObject({ more: 200, outcome: "refused", done: { tags: 1199 } });
    expect(report.repositories[0]).toMatchObject({ repository: "app-2199", outcome: "drifted" });
  });
});

test("what a registry has put into names is plain text on a terminal", async () => {
  const { plan } = await planOf(world(), [ci]);
  const [first] = plan.repositories;
  const kept = [{ ...first!.actions[0]!, reason: "\u001b[2Jgone" } as never];
  const text = planLines({ ...plan, repositories: [{ ...first!, kept }], warnings: ["a\nb"] });
  expect(text.join("")).not.toContain("\u001b");
  expect(text).toContain("note: a\\u{a}b");
});
