import { expect, test } from "bun:test";
import { applyTo, memoryAudit, planOf, policy } from "../../test/support/prune-run.ts";
import { type Call, PruneWorld } from "../../test/support/prune-world.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";

function world(count: number): PruneWorld {
  const made = new PruneWorld();
  for (let n = 0; n < count; n++) {
    made.push(`app-${n}`, ["old-1"], { blobs: [`of ${n}`] });
    made.push(`app-${n}`, ["old-2", "v1"]);
  }
  return made;
}

test("what an earlier run has done is not asked for again, and the rest is done", async () => {
  const at = world(6);
  const { plan } = await planOf(at, [policy()]);
  const finished: RepositoryName[] = [];
  const stop = new AbortController();
  await applyTo(at, plan, {
    stop: stop.signal,
    concurrency: 1,
    finished: (name) => {
      finished.push(name);
      if (finished.length === 2) stop.abort();
    },
  });
  const calls: Call[] = [];
  at.before = (call) => void calls.push(call);

  const result = await applyTo(at, plan, { before: new Set(finished) });

  expect(finished).toHaveLength(2);
  expect(calls.filter(({ repository }) => finished.includes(repository))).toEqual([]);
  expect(result.outcome).toBe("done");
  expect(result.totals.repositories).toMatchObject({ before: 2, done: 4 });
  for (const { tags } of at.repositories.values())
    expect([...tags.keys()].map(String)).toEqual(["v1"]);
});

test("an audit says of every removal what, where, why, by which rule and plan, and what came of it", async () => {
  const at = world(1);
  const { plan } = await planOf(at, [policy()]);
  at.before = ({ method }) => {
    if (method === "removeTag") throw new RegistryError("REMOTE", { reason: "it answered 500" });
  };
  const audit = memoryAudit();

  const result = await applyTo(at, plan, { audit });

  const common = {
    registry: "world",
    place: "https://world.example",
    repository: "app-0",
    policy: "all",
    rule: "delete.0",
    plan: result.plan,
    time: new Date(at.now).toISOString(),
  };
  const failed = audit.records.find(({ action }) => action === "remove-tag");
  const done = audit.records.find(({ action }) => action === "delete-manifest");
  expect(audit.records).toHaveLength(2);
  expect(failed).toMatchObject({ ...common, tags: ["old-2"], result: "failed" });
  expect(failed?.error).toContain("it answered 500");
  expect(done).toMatchObject({ ...common, tags: ["old-1"], result: "done", error: null });
  expect(result.repositories[0]).toMatchObject({ outcome: "failed" });
});

test("what a registry refuses is no failure, and the same refusal again and again ends the run", async () => {
  const at = world(40);
  const { plan } = await planOf(at, [policy()]);
  let asked = 0;
  at.before = ({ method }) => {
    if (method !== "deleteManifest" && method !== "removeTag") return;
    asked++;
    throw new RegistryError("DELETE_DISABLED");
  };

  const result = await applyTo(at, plan);

  expect(result.outcome).toBe("refused");
  expect(result.totals.repositories).toMatchObject({ refused: 40, failed: 0 });
  expect(asked).toBeLessThan(30);
  expect(result.totals).toMatchObject({ tags: 0, manifests: 0, freed: 0 });
});

test("whoever may not ask whether single tags can be removed gets a plan all the same, with a remark", async () => {
  const at = world(1);
  const removesTags = async (): Promise<boolean> => {
    throw new RegistryError("DENIED");
  };

  const { plan } = await planOf(at, [policy()], { target: { ...at.target(), removesTags } });

  expect(plan.totals.tags.deleted).toBe(2);
  expect(plan.warnings[0]).toContain("whether single tags can be removed is not known");
});

test("a part of a plan is carried out, and nothing else of it", async () => {
  const at = world(3);
  const { plan } = await planOf(at, [policy()]);

  const result = await applyTo(at, plan, { wanted: (name) => name === "app-1" });

  expect(result.repositories.map(({ repository }) => String(repository))).toEqual(["app-1"]);
  const left = [...at.repositories].map(([name, { tags }]) => [String(name), tags.size]);
  expect(left).toEqual([
    ["app-0", 3],
    ["app-1", 1],
    ["app-2", 3],
  ]);
});

test("a registry that disappears in the middle of a large repository is not asked for all of it", async () => {
  const at = new PruneWorld();
  for (let n = 0; n < 300; n++) at.push("app", [`old-${n}`]);
  at.push("app", ["v1"]);
  const { plan } = await planOf(at, [policy()]);
  let asked = 0;
  at.before = ({ method }) => {
    if (method === "resolve" && ++asked > 50) throw new RegistryError("REMOTE");
  };

  const broken = await applyTo(at, plan);

  expect(broken.outcome).toBe("failed");
  expect(asked).toBeLessThan(70);
  at.before = () => undefined;
  expect((await applyTo(at, plan)).outcome).toBe("done");
  expect(at.at("app").tags.size).toBe(1);
});

test("tags that were seen for the first time while the plan was made are not taken for pushed again", async () => {
  const at = new PruneWorld();
  at.push("app", ["old-1"]);
  at.push("app", ["v1"]);
  at.before = ({ repository }) => {
    at.before = () => void at.now++;
    at.now += 5;
    // As whoever remembers tags says it of a registry that does not tell when they were pushed.
    for (const [tag, { digest }] of at.at(repository).tags) at.tag(repository, tag, digest);
  };
  const { plan } = await planOf(at, [policy()]);

  const result = await applyTo(at, plan);

  expect(result).toMatchObject({ outcome: "done", totals: { tags: 1 } });
});
