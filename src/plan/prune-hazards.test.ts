import { describe, expect, test } from "bun:test";
import { applyTo, memoryAudit, planOf, policy } from "../../test/support/prune-run.ts";
import { PruneWorld } from "../../test/support/prune-world.ts";
import { failureOf } from "../../test/support/failure.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Digest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import type { PruneResult } from "./prune-result.ts";

const gone = new RegistryError("REMOTE", { reason: "the connection was closed" });
const APP = parseName("app");
const LONG_AGO = 1_700_000_000_000;

function outcomes({ repositories }: PruneResult): Record<string, string> {
  return Object.fromEntries(repositories.map(({ repository, outcome }) => [repository, outcome]));
}

/** Two repositories with a tag to delete and one to keep. */
function world(): PruneWorld {
  const made = new PruneWorld();
  for (const name of ["app", "other"]) {
    made.push(name, ["old-1"], { blobs: ["x", name] });
    made.push(name, ["v1"], { blobs: ["x"] });
  }
  return made;
}

const tags = (of: PruneWorld, name = "app"): string[] => [...of.at(name).tags.keys()].toSorted();

describe("between plan and apply", () => {
  test("a tag moves: its repository is left as it is, and the others are done", async () => {
    const at = world();
    const { plan } = await planOf(at, [policy()]);
    const moved = at.push("app", ["old-1"]);

    const result = await applyTo(at, plan);

    expect(outcomes(result)).toEqual({ app: "drifted", other: "done" });
    expect(result.outcome).toBe("refused");
    expect(result.repositories[0]?.reason).toBe(`old-1 names ${moved} now`);
    expect(tags(at)).toEqual(["old-1", "v1"]);
    expect(tags(at, "other")).toEqual(["v1"]);
  });

  test("a doomed digest gets a new tag: it stays, under both", async () => {
    const at = world();
    const { plan } = await planOf(at, [policy()]);
    const digest = at.at("app").tags.get(parseTag("old-1"))?.digest;
    at.tag("app", "release", digest as Digest);

    const result = await applyTo(at, plan);

    expect(result.repositories[0]).toMatchObject({
      outcome: "drifted",
      reason: `${digest} has got the tag release`,
    });
    expect(tags(at)).toEqual(["old-1", "release", "v1"]);
  });

  test("a new index needs a doomed child: both stay", async () => {
    const at = world();
    const child = at.at("app").tags.get(parseTag("old-1"))?.digest as Digest;
    const { plan } = await planOf(at, [policy()]);
    const index = at.push("app", ["multi"], { children: [child] });

    const result = await applyTo(at, plan);

    expect(result.repositories[0]?.reason).toBe(`the index ${index} needs ${child}`);
    expect(at.at("app").manifests.has(child)).toBe(true);
  });

  test("a doomed image is signed: both stay", async () => {
    const at = world();
    const { plan } = await planOf(at, [policy()]);
    const subject = at.at("app").tags.get(parseTag("old-1"))?.digest as Digest;
    const signature = at.push("app", [], { subject });

    const result = await applyTo(at, plan);

    expect(result.repositories[0]?.reason).toBe(`${signature} refers to ${subject}`);
    expect(tags(at)).toEqual(["old-1", "v1"]);
  });

  test("the same image is pushed again under its tag: it is young again, and stays", async () => {
    const at = world();
    const { plan } = await planOf(at, [policy()]);
    const digest = at.at("app").tags.get(parseTag("old-1"))?.digest as Digest;
    at.tag("app", "old-1", digest, at.now + 1);

    expect((await applyTo(at, plan)).repositories[0]?.reason).toBe("old-1 was pushed again");
  });

  test("what has nothing to do with it changes, and all is done", async () => {
    const at = world();
    const { plan } = await planOf(at, [policy()]);
    at.push("app", ["new", "old-2"]);

    expect((await applyTo(at, plan)).outcome).toBe("done");
    expect(tags(at)).toEqual(["new", "old-2", "v1"]);
  });

  test("the repository goes, and that is as good as done", async () => {
    const at = world();
    const { plan } = await planOf(at, [policy()]);
    at.repositories.delete(APP);

    expect(outcomes(await applyTo(at, plan))).toEqual({ app: "done", other: "done" });
  });
});

test("a tag that moves after its repository was looked at stays", async () => {
  const at = world();
  const { plan } = await planOf(at, [policy()]);
  at.before = ({ method, repository }) => {
    if (method === "resolve" && repository === APP) at.push("app", ["old-1"], { seed: "moved" });
  };

  const result = await applyTo(at, plan);

  expect(outcomes(result)).toEqual({ app: "drifted", other: "done" });
  expect(tags(at)).toEqual(["old-1", "v1"]);
});

describe("a registry that disappears", () => {
  test("before the first repository is read ends the planning with its error", async () => {
    const at = world();
    at.before = () => {
      throw gone;
    };
    expect(await failureOf(planOf(at, [policy()]))).toMatchObject({ kind: "REMOTE" });
  });

  test("while it is planned keeps whole what was not read, and says so", async () => {
    const at = world();
    at.before = ({ repository }) => {
      if (repository === APP) throw gone;
    };

    const { plan, failures } = await planOf(at, [policy()]);

    expect(failures).toBe(1);
    expect(plan.totals.keptRepositories).toEqual([
      { repository: APP, reason: `it could not be read: ${gone.message}` },
    ]);
    expect(plan.repositories.map(({ actions }) => actions.length)).toEqual([0, 1]);
  });

  test("is not asked again and again for thousands of repositories", async () => {
    const at = new PruneWorld();
    for (let n = 0; n < 200; n++) at.push(`app-${n}`, ["old-1", "v1"]);
    let calls = 0;
    at.before = ({ repository }) => {
      if (repository > "app-100") {
        calls++;
        throw gone;
      }
    };

    const { plan, failures } = await planOf(at, [policy()]);

    expect(calls).toBeLessThan(15);
    expect(failures).toBe([...at.repositories.keys()].filter((one) => one > "app-100").length);
    expect(plan.totals.keptRepositories).toHaveLength(failures);
  });

  test("in the middle of an apply is asked no more, and the same plan is done later", async () => {
    const at = new PruneWorld();
    for (let n = 100; n < 200; n++) {
      at.push(`app-${n}`, ["old-1"]);
      at.push(`app-${n}`, ["v1"]);
    }
    const { plan } = await planOf(at, [policy()]);
    let calls = 0;
    at.before = () => {
      if (++calls > 90) throw gone;
    };

    const broken = await applyTo(at, plan);

    expect(broken.outcome).toBe("failed");
    expect(broken.totals.repositories.done).toBeGreaterThan(10);
    expect(calls).toBeLessThan(130);
    at.before = () => undefined;
    const again = await applyTo(at, plan);
    expect(again.outcome).toBe("done");
    expect([...at.repositories.values()].every(({ tags: those }) => those.size === 1)).toBe(true);
    expect(again.totals.tags + broken.totals.tags).toBe(100);
  });
});

test("an index that cannot be deleted keeps its children and its signatures", async () => {
  const at = new PruneWorld();
  const children = [at.push("app", []), at.push("app", [])];
  const index = at.push("app", ["old-1"], { children });
  at.push("app", [], { subject: index });
  at.push("app", ["v1"]);
  const { plan } = await planOf(at, [policy()]);
  expect(plan.repositories[0]?.actions).toHaveLength(4);
  at.before = ({ method, what }) => {
    if (method === "deleteManifest" && what === index) throw new RegistryError("REFUSED");
  };

  const result = await applyTo(at, plan);

  expect(result.repositories[0]?.outcome).toBe("refused");
  expect(at.at("app").manifests.size).toBe(5);
  expect(at.removals).toEqual([]);
});

test("a registry that removes no single tag keeps those that share a digest, and says with which", async () => {
  const at = world();
  at.push("app", ["old-2", "latest"]);

  const { plan } = await planOf(at, [policy()], { target: at.target({ removesTags: false }) });

  expect(plan.repositories[0]?.kept).toMatchObject([
    { tag: "old-2", reason: expect.stringContaining("which latest has as well") },
  ]);
  expect(plan.repositories[0]?.actions).toHaveLength(1);
});

test("a stop lets what has begun come to its end, and begins nothing more", async () => {
  const at = new PruneWorld();
  for (let n = 0; n < 50; n++) at.push("app", [`old-${n}`]);
  at.push("app", ["v1"]);
  const { plan } = await planOf(at, [policy()]);
  const stop = new AbortController();
  at.before = ({ method }) => {
    if (method === "deleteManifest" && at.removals.length === 10) stop.abort();
  };
  const audit = memoryAudit();

  const result = await applyTo(at, plan, { stop: stop.signal, audit });

  expect(result.outcome).toBe("stopped");
  expect(audit.records).toHaveLength(at.removals.length);
  expect(at.removals.length).toBeLessThan(15);
  expect(result.totals.manifests).toBe(at.removals.length);
});

test("what cannot be written down is not done", async () => {
  const at = new PruneWorld();
  for (let n = 0; n < 50; n++) at.push(`app-${n}`, [`old-${n}`]);
  const { plan } = await planOf(at, [policy()]);
  let records = 0;
  const record = (): void => {
    if (++records > 5) throw new RegistryError("AUDIT_FAILED", { reason: "ENOSPC" });
  };

  const failure = await failureOf(applyTo(at, plan, { audit: { ...memoryAudit(), record } }));

  expect(failure).toMatchObject({ kind: "AUDIT_FAILED" });
  const removed = at.removals.length;
  expect(removed).toBeLessThan(12);
  await Bun.sleep(5);
  expect(at.removals).toHaveLength(removed);
});

describe("blobs", () => {
  test("that several repositories let go count once, and those that one keeps are not freed", async () => {
    const at = new PruneWorld();
    for (const name of ["a", "b", "c"]) at.push(name, ["old-1"], { blobs: ["x", "y"] });
    at.push("d", ["v1"], { blobs: ["y"] });
    const before = at.bytes();

    const { plan } = await planOf(at, [policy()]);
    await applyTo(at, plan);

    expect(plan.totals.bytes.freed).toBe(before - at.bytes());
    const [first, second] = plan.repositories.map(({ bytes }) => bytes.freed);
    expect(first).toBeGreaterThan(second ?? 0);
    expect(plan.repositories[2]?.bytes.shared).toBeGreaterThan(0);
  });

  test("of a repository that a limit keeps whole are kept", async () => {
    const at = new PruneWorld();
    at.push("a", ["old-1"], { blobs: ["x"] });
    at.push("b", ["old-1"], { blobs: ["x"] });
    at.push("b", ["v1"]);
    const limits = { emptyRepositories: false };

    const { plan, refused } = await planOf(at, [policy({ limits })]);

    expect(refused).toBe(1);
    expect(plan.totals).toMatchObject({ repositories: 2, tags: { all: 3, deleted: 1 } });
    expect(plan.totals.bytes).toMatchObject({ freed: 100 });
    expect(plan.repositories[0]?.keptWhole).toContain("lose all of its tags (1)");
  });
});

describe("a budget over all repositories of a policy", () => {
  function filled(old = true): PruneWorld {
    const at = new PruneWorld();
    for (const [n, name] of ["a", "b", "c"].entries()) {
      if (old) at.push(name, ["v1"], { blobs: [`old ${n}`], pushedAt: LONG_AGO + n });
      at.push(name, ["v2"], { blobs: ["base"], pushedAt: LONG_AGO + 10 + n });
      at.push(name, ["keep"], { blobs: ["base"], pushedAt: LONG_AGO });
    }
    return at;
  }
  const size = filled(false).bytes();
  const budgeted = policy({
    delete: [],
    keep: [{ tags: ["keep"], of: "selected" }],
    budget: { size, per: "policy", oldest: "pushed" },
  });

  test("takes the oldest wherever they are, and counts what they share once", async () => {
    const at = filled();

    const { plan } = await planOf(at, [budgeted]);
    await applyTo(at, plan);

    expect(at.bytes()).toBeLessThanOrEqual(size);
    expect(["a", "b", "c"].map((name) => tags(at, name))).toEqual([
      ["keep", "v2"],
      ["keep", "v2"],
      ["keep", "v2"],
    ]);
    expect((await planOf(at, [budgeted])).plan.totals.tags.deleted).toBe(0);
  });

  test("leaves a tag that has moved since its repository was counted", async () => {
    const at = filled();
    let reads = 0;
    at.before = ({ method }) => {
      // Each was read once; the first is read again for what the budget takes from it.
      if (method === "inventoryOf" && ++reads === 4) at.push("a", ["v1"], { seed: "new" });
    };

    const { plan } = await planOf(at, [budgeted], { concurrency: 1 });

    expect(reads).toBeGreaterThanOrEqual(4);
    expect(plan.repositories.map(({ repository }) => String(repository))).toEqual(["b", "c"]);
  });
});
