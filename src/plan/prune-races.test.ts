import { describe, expect, test } from "bun:test";
import { applyTo, planOf, policy } from "../../test/support/prune-run.ts";
import { PruneWorld } from "../../test/support/prune-world.ts";
import type { Digest } from "../oci/digest.ts";
import type { PruneTarget } from "./prune-target.ts";
import { parseTag } from "../oci/reference.ts";

const tags = (of: PruneWorld): string[] => [...of.at("app").tags.keys()].toSorted();

/** Twenty images to delete, and one to keep. */
function world(): PruneWorld {
  const made = new PruneWorld();
  for (let n = 10; n < 30; n++) made.push("app", [`old-${n}`]);
  made.push("app", ["v1"]);
  return made;
}

/** Gives a doomed image another tag while the first is deleted. */
function tagMeanwhile(at: PruneWorld): void {
  const digest = at.at("app").tags.get(parseTag("old-29"))?.digest as Digest;
  at.before = ({ method }) => {
    if (method === "deleteManifest") at.tag("app", "release", digest);
  };
}

describe("a doomed image gets a new tag while others go, and stays", () => {
  test("where the registry itself sees the tag", async () => {
    const at = world();
    const { plan } = await planOf(at, [policy()]);
    tagMeanwhile(at);

    const result = await applyTo(at, plan, { concurrency: 1 });

    expect(result.outcome).toBe("refused");
    expect(tags(at)).toEqual(["old-29", "release", "v1"]);
  });

  test("where the repository has to be looked at again", async () => {
    const at = world();
    const { plan } = await planOf(at, [policy()]);
    tagMeanwhile(at);

    const blind = at.target({ seesTags: false });
    const target: typeof blind = {
      ...blind,
      async deleteManifest(...what) {
        await Bun.sleep(5);
        await blind.deleteManifest(...what);
      },
    };
    const result = await applyTo(at, plan, { concurrency: 1, target, freshFor: 0 });

    expect(result.repositories[0]).toMatchObject({
      outcome: "drifted",
      reason: expect.stringContaining("has got the tag release"),
    });
    expect(tags(at)).toEqual(expect.arrayContaining(["old-29", "release", "v1"]));
  });
});

test("a look that is young enough is not repeated", async () => {
  const at = world();
  const { plan } = await planOf(at, [policy()]);
  let looks = 0;
  at.before = ({ method }) => {
    if (method === "inventoryOf") looks++;
  };
  await applyTo(at, plan);
  expect(looks).toBe(1);
});

test("what was to stay is gone by now: the next newest is not deleted in its place", async () => {
  const at = new PruneWorld();
  for (let n = 1; n < 5; n++) at.push("app", [`old-${n}`], { pushedAt: at.now - 1000 * (10 - n) });
  const newest = policy({ keep: [{ newest: 2, orderBy: "pushed", of: "selected" }] });
  const { plan } = await planOf(at, [newest]);
  at.at("app").tags.delete(parseTag("old-4"));
  at.at("app").tags.delete(parseTag("old-3"));
  at.push("app", ["new"]);

  const result = await applyTo(at, plan);

  expect(result.repositories[0]).toMatchObject({
    outcome: "drifted",
    reason: "of the tags that stay, 1 is gone",
  });
  expect(tags(at)).toEqual(["new", "old-1", "old-2"]);
});

test("what is pushed again while its repository is read is not what was decided about", async () => {
  const at = world();
  const digest = at.at("app").tags.get(parseTag("old-10"))?.digest as Digest;
  const target = at.target();
  const slow: PruneTarget = {
    ...target,
    async inventoryOf(name) {
      const found = await target.inventoryOf(name);
      // What was read of the tag is older than this.
      at.now += 1000;
      at.tag("app", "old-10", digest, at.now);
      at.now += 1000;
      return found;
    },
  };
  const { plan } = await planOf(at, [policy()], { target: slow });

  expect((await applyTo(at, plan)).repositories[0]?.reason).toBe("old-10 was pushed again");
});
