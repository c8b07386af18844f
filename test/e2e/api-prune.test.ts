import { expect, setDefaultTimeout, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { pruneCommand } from "../../src/cli/prune.ts";
import { schema } from "../../src/config/schema.ts";
import { openAudit } from "../../src/plan/audit.ts";
import type { PruneResult } from "../../src/plan/prune-result.ts";
import { applyPrune } from "../../src/plan/prune-apply.ts";
import type { PrunePlan } from "../../src/plan/prune-plan.ts";
import { type MadePlan, planPrune } from "../../src/plan/prune-planner.ts";
import type { PruneTarget } from "../../src/plan/prune-target.ts";
import { openRegistryTarget } from "../../src/plan/targets/open.ts";
import { tagsAt } from "../support/api-target.ts";
import { selfSigned } from "../support/certificates.ts";
import { runCommand } from "../support/command.ts";
import { countingProxy } from "../support/counting-proxy.ts";
import { deciderBy } from "../support/decider.ts";
import { failureOf } from "../support/failure.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image } from "../support/image.ts";
import { writeLargeTree } from "../support/large-tree.ts";
import { startDockerRegistry } from "../support/server.ts";
import { userLine } from "../support/users.ts";

setDefaultTimeout(300_000);

/** Of four tags on two images, those of the first go, and one of the two of the second. */
const decider = deciderBy([
  {
    name: "old",
    repositories: ["**"],
    delete: [{ tags: ["v0", "v1", "v2"], clock: "created", olderThan: "30d" }],
  },
]);

const tree = (repositories: readonly string[]) => ({ repositories, tags: 4, shared: 2 });
const names = (count: number) => Array.from({ length: count }, (_, at) => `team${at % 7}/app${at}`);

async function open(url: string, folder: Folder, more: object = {}): Promise<PruneTarget> {
  const entry = { name: "test", url, type: "oci", replaceTags: true, retries: 0, ...more };
  const [settings] = schema.shape.registries.parse([entry]);
  if (!settings) throw new Error("no settings");
  return await openRegistryTarget(settings, {
    environment: {},
    state: folder.at("state"),
    now: Date.now,
    warn: () => {},
  });
}

async function plan(target: PruneTarget): Promise<MadePlan> {
  return await planPrune({ target, decider, clock: Date.now, concurrency: 4 });
}

async function apply(target: PruneTarget, made: PrunePlan, folder: Folder): Promise<PruneResult> {
  const audit = openAudit(folder.at("audit.jsonl"));
  try {
    return await applyPrune({ target, plan: made, concurrency: 4, audit, clock: Date.now });
  } finally {
    audit.close();
  }
}

group("pruning docker-registry over its API", ["docker-registry", "openssl"], () => {
  test("with a password and TLS of a private CA: 200 repositories, tags alone and whole images", async () => {
    await using folder = await temporaryFolder();
    const repositories = names(200);
    writeLargeTree(folder.at("data"), tree(repositories));
    const { certificate, key } = await selfSigned(folder.path, "registry");
    await writeFile(folder.at("users"), await userLine("me", "right"));
    const settings = {
      auth: { htpasswd: { realm: "r", path: folder.at("users") } },
      http: { tls: { certificate, key } },
    };
    await using registry = await startDockerRegistry(folder.at("data"), settings);
    const access = { ca: certificate, username: "me", password: "right" };
    const target = await open(registry.url, folder, access);

    const made = await plan(target);
    expect([made.failures, made.refused]).toEqual([0, 0]);
    expect(made.plan.totals).toMatchObject({ repositories: 200, tags: { all: 800, deleted: 600 } });
    expect(made.plan.totals.manifests).toBe(200);
    const result = await apply(target, made.plan, folder);

    expect(result.outcome).toBe("done");
    expect(result.repositories.map(({ reason }) => reason).filter(Boolean)).toEqual([]);
    const again = await plan(target);
    expect(again.plan.totals.tags).toEqual({ all: 200, deleted: 0 });
    await target.close();

    const strangers: readonly (readonly [object, string, string])[] = [
      [{ ...access, password: "wrong" }, "CREDENTIALS", ""],
      [{ username: "me", password: "right" }, "REMOTE", "certificate"],
    ];
    for (const [other, kind, says] of strangers) {
      const refused = await open(registry.url, folder, other);
      const error = await failureOf(plan(refused));
      expect(error.kind as string).toBe(kind);
      expect(error.message).toContain(says);
      await refused.close();
    }
  });

  test("with a wrong password ends with exit code 4, and nothing was done", async () => {
    await using folder = await temporaryFolder();
    writeLargeTree(folder.at("data"), tree(["app"]));
    await writeFile(folder.at("users"), await userLine("me", "right"));
    const htpasswd = { realm: "r", path: folder.at("users") };
    await using registry = await startDockerRegistry(folder.at("data"), { auth: { htpasswd } });
    const written = async (password: string): Promise<string> => {
      const settings = {
        keep: { state: folder.at("state") },
        registries: [{ name: "hub", url: registry.url, username: "me", password }],
        retention: decider.policies.map(({ name, repositories }) => ({
          name,
          repositories,
          delete: [{ tags: ["v0"], clock: "created", olderThan: "30d" }],
        })),
      };
      await writeFile(folder.at(`${password}.yaml`), JSON.stringify(settings));
      return folder.at(`${password}.yaml`);
    };

    const refused = await runCommand(pruneCommand, ["-c", await written("wrong"), "--yes"]);
    const shown = await runCommand(pruneCommand, ["-c", await written("right"), "-n", "--json"]);

    expect(refused.exit).toBe(4);
    expect(shown.exit).toBe(0);
    expect(JSON.parse(shown.out.join("\n"))).toMatchObject({
      registries: [{ plan: { totals: { tags: { all: 4 } } } }],
    });
  });

  test("that is killed in mid-run ends what it began when the plan is applied again", async () => {
    await using folder = await temporaryFolder();
    const repositories = names(12);
    writeLargeTree(folder.at("data"), tree(repositories));
    let registry = await startDockerRegistry(folder.at("data"));
    let made: PrunePlan;
    let first: PruneResult;
    {
      await using proxy = countingProxy(registry.url);
      const target = await open(proxy.url, folder);
      made = (await plan(target)).plan;
      let left = 150;
      proxy.intercept = async () => {
        if (--left === 0) await registry.stop("SIGKILL");
        return left <= 0 ? new Response("", { status: 502 }) : undefined;
      };
      first = await apply(target, made, folder);
      await target.close();
    }
    expect(first.outcome).not.toBe("done");
    registry = await startDockerRegistry(folder.at("data"));
    await using _ = registry;
    for (const name of repositories)
      expect(Object.keys(await tagsAt(registry.url, name))).toContain("v3");

    const target = await open(registry.url, folder);
    const moved = { ...made, registry: target.registry };
    expect((await apply(target, moved, folder)).outcome).toBe("done");

    for (const name of repositories) {
      expect(Object.keys(await tagsAt(registry.url, name))).toEqual(["v3"]);
    }
    await target.close();
  });

  test("leaves a repository alone whose tag has moved since the plan, and does the others", async () => {
    await using folder = await temporaryFolder();
    const repositories = names(3);
    writeLargeTree(folder.at("data"), tree(repositories));
    await using registry = await startDockerRegistry(folder.at("data"));
    const target = await open(registry.url, folder);
    const made = await plan(target);
    const pushed = image({ size: 10 });
    await pushed.push(registry.url, "team1/app1", "v1");

    const { outcome, repositories: results } = await apply(target, made.plan, folder);

    expect(outcome).not.toBe("done");
    expect(Object.fromEntries(results.map((one) => [one.repository, one.outcome]))).toEqual({
      "team0/app0": "done",
      "team1/app1": "drifted",
      "team2/app2": "done",
    });
    expect((await tagsAt(registry.url, "team1/app1"))["v1"]).toBe(pushed.digest);
    expect(Object.keys(await tagsAt(registry.url, "team1/app1"))).toHaveLength(4);
    await target.close();
  });

  test("without a detour keeps tags that share their digest, and says with whom", async () => {
    await using folder = await temporaryFolder();
    writeLargeTree(folder.at("data"), tree(["app"]));
    await using registry = await startDockerRegistry(folder.at("data"));
    const target = await open(registry.url, folder, { replaceTags: false });

    const made = await plan(target);
    expect(made.plan.repositories[0]?.kept).toEqual([
      expect.objectContaining({ tag: "v2", reason: expect.stringContaining("v3") }),
    ]);
    expect((await apply(target, made.plan, folder)).outcome).toBe("done");

    expect(Object.keys(await tagsAt(registry.url, "app")).toSorted()).toEqual(["v2", "v3"]);
    await target.close();
  });
});
