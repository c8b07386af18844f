import { expect, test } from "bun:test";
import { deciderBy } from "../../test/support/decider.ts";
import { PruneWorld } from "../../test/support/prune-world.ts";
import { explain, explanationLines, parseExplained } from "./prune-explain.ts";

const RULES = [{ name: "ci", repositories: ["team/*"], delete: [{ tags: ["pr-*"] }] }];

async function explained(image: string, world: PruneWorld, removesTags = true): Promise<string[]> {
  const target = world.target({ removesTags });
  return explanationLines(await explain(parseExplained(image), target, deciderBy(RULES)));
}

test("a tag goes alone while another one keeps its image", async () => {
  const world = new PruneWorld();
  world.push("team/app", ["pr-1", "latest"]);

  const lines = await explained("team/app:pr-1", world);

  expect(lines[0]).toBe("world: team/app:pr-1 goes by delete.0 of policy ci: matches pr-*.");
  expect(lines).toContain("  latest, of the same image, stays: no delete rule names it.");
  expect(lines.join("\n")).not.toContain("all the same");
});

test("where a registry removes no single tags, a tag that cannot go alone is said to stay, as in a plan", async () => {
  const world = new PruneWorld();
  world.push("team/app", ["pr-1", "latest"]);
  const why = "the registry cannot remove a tag and leave its manifest, which latest has as well";

  expect(await explained("team/app:pr-1", world, false)).toContain(
    `  It stays all the same: ${why}.`,
  );
  expect(await explained("team/app:latest", world, false)).toContain(
    `  pr-1, of the same image, stays: ${why}.`,
  );
});

test("a tag of an image that goes whole is not asked about being alone", async () => {
  const world = new PruneWorld();
  world.push("team/app", ["pr-1", "pr-2"]);
  world.push("team/app", ["v1"]);

  const lines = await explained("team/app:pr-1", world, false);

  expect(lines).toContain("  pr-2, of the same image, goes: matches pr-*.");
  expect(lines[1]).toMatch(/^ {2}Its manifest, [0-9a-f]{12}, goes\.$/);
});

test("of what no policy is about it says just that", async () => {
  const world = new PruneWorld();
  world.push("other", ["pr-1"]);

  expect(await explained("other:pr-1", world)).toEqual([
    "world: other:pr-1 stays: no policy is about this repository.",
    "  It could go if a policy named its repository.",
  ]);
});
