import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { isNothing, planLines, question } from "../../src/cli/prune-report.ts";
import { parseName } from "../../src/oci/name.ts";
import { parseTag } from "../../src/oci/reference.ts";
import { openAudit } from "../../src/plan/audit.ts";
import { loadPlan, savePlan } from "../../src/plan/plan-file.ts";
import { applyPrune } from "../../src/plan/prune-apply.ts";
import { type MadePlan, planPrune } from "../../src/plan/prune-planner.ts";
import type { PruneResult } from "../../src/plan/prune-result.ts";
import type { PruneTarget } from "../../src/plan/prune-target.ts";
import { withTree } from "../../src/plan/targets/with-tree.ts";
import { digestAt, openTarget, tagsAt } from "../support/api-target.ts";
import { type CountingProxy, countingProxy } from "../support/counting-proxy.ts";
import { deciderBy } from "../support/decider.ts";
import { failureOf } from "../support/failure.ts";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { type Fixture, image } from "../support/image.ts";
import { startDockerRegistry } from "../support/server.ts";

const APP = parseName("team/app");
const [OLD, LATEST] = [parseTag("old"), parseTag("latest")];

/** Both tags stay. */
const keeping = deciderBy([
  {
    name: "keep",
    repositories: ["**"],
    delete: [{ tags: ["pr-*"], clock: "created", olderThan: "1d" }],
  },
]);

interface World extends AsyncDisposable {
  readonly data: string;
  readonly audit: string;
  readonly url: string;
  readonly proxy: CountingProxy;
  /** Under both tags. */
  readonly shared: Fixture;
}

async function world(): Promise<World> {
  const [folder, state] = [await temporaryFolder(), await temporaryFolder()];
  const registry = await startDockerRegistry(folder.path);
  const proxy = countingProxy(registry.url);
  const shared = image({ size: 10 });
  await shared.push(registry.url, APP, OLD, LATEST);
  return {
    data: folder.path,
    audit: state.at("audit.jsonl"),
    url: registry.url,
    proxy,
    shared,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
      await state[Symbol.asyncDispose]();
    },
  };
}

/** After `cut` requests the registry is reached no more; the next is not sent, or (`isLost`) not answered. */
function breakAfter({ proxy }: World, cut: number, isLost: boolean): void {
  let count = 0;
  const down = (): Response => new Response("", { status: 500 });
  proxy.intercept = () => (++count > cut + (isLost ? 1 : 0) ? down() : undefined);
  proxy.after = () => (isLost && count > cut ? down() : undefined);
}

/** True: it came to its end. */
async function removeUntil(at: World, cut: number, isLost: boolean): Promise<boolean> {
  breakAfter(at, cut, isLost);
  await using target = openTarget(at.proxy.url, { replaceTags: true });
  return await target.removeTag(APP, OLD).then(
    () => true,
    () => false,
  );
}

/** Cuts removals off until the tag is on a placeholder, and returns its digest. */
async function leaveOnPlaceholder(at: World): Promise<string> {
  for (let cut = 0; ; cut++) {
    await removeUntil(at, cut, false);
    const digest = await digestAt(at.url, APP, OLD);
    if (digest !== at.shared.digest) return digest;
  }
}

async function plan(target: PruneTarget): Promise<MadePlan> {
  return await planPrune({ target, decider: keeping, clock: Date.now, concurrency: 2 });
}

async function restore(target: PruneTarget): Promise<void> {
  if (!target.restoreTag) throw new Error("it puts no tags back");
  await target.restoreTag(APP, OLD);
}

async function run(target: PruneTarget, at: World, made?: MadePlan): Promise<PruneResult> {
  const audit = openAudit(at.audit);
  try {
    const wish = { target, concurrency: 2, audit, clock: Date.now };
    return await applyPrune({ ...wish, plan: (made ?? (await plan(target))).plan });
  } finally {
    audit.close();
  }
}

group("a tag whose removal was cut off, and that stays", ["docker-registry"], () => {
  test("names its image again after the next run, wherever the removal was cut", async () => {
    let restored = 0;
    for (const isLost of [false, true]) {
      for (let cut = 0, isWhole = false; !isWhole; cut++) {
        await using at = await world();
        isWhole = await removeUntil(at, cut, isLost);
        const left = await digestAt(at.url, APP, OLD);
        await using target = openTarget(at.url);

        expect((await run(target, at)).outcome).toBe("done");

        expect(await tagsAt(at.url, APP)).toEqual({
          [LATEST]: at.shared.digest,
          ...(left !== "" && { [OLD]: at.shared.digest }),
        });
        if (left === "" || left === at.shared.digest) continue;
        restored++;
        expect(await digestAt(at.url, APP, left)).toBe("");
      }
    }
    expect(restored).toBeGreaterThan(1);
  }, 120_000);

  test("is put back in the end when putting it back is cut off as well, at any request", async () => {
    for (const isLost of [false, true]) {
      for (let cut = 0, isWhole = false; !isWhole; cut++) {
        await using at = await world();
        const left = await leaveOnPlaceholder(at);
        {
          breakAfter(at, cut, isLost);
          await using target = openTarget(at.proxy.url);
          isWhole = await restore(target).then(
            () => true,
            () => false,
          );
        }
        expect([left, at.shared.digest]).toContain(await digestAt(at.url, APP, OLD));
        await using target = openTarget(at.url);
        expect((await run(target, at)).outcome).toBe("done");
        expect(await tagsAt(at.url, APP)).toEqual({
          [OLD]: at.shared.digest,
          [LATEST]: at.shared.digest,
        });
      }
    }
  }, 120_000);

  test("is in the plan and in the audit; a plan alone changes nothing", async () => {
    await using at = await world();
    const left = await leaveOnPlaceholder(at);
    at.proxy.intercept = () => undefined;
    at.proxy.take();
    await using target = openTarget(at.proxy.url);

    const made = await plan(target);

    const action = { action: "restore-tag", tag: OLD, digest: at.shared.digest };
    expect(made.plan.repositories[0]?.actions).toMatchObject([action]);
    expect(made.plan.totals.tags).toEqual({ all: 2, deleted: 0 });
    const written = at.proxy.passed.filter(({ method }) => !["GET", "HEAD"].includes(method));
    expect(written).toEqual([]);
    expect(await digestAt(at.url, APP, OLD)).toBe(left);

    expect(planLines(made.plan).slice(0, 2)).toEqual([
      "To put back, because their removal was cut off and they stay:",
      "  team/app: old",
    ]);
    expect(question([made.plan])).toContain("from test and put 1 tag back?");
    expect(isNothing(made.plan)).toBe(false);
    savePlan(`${at.audit}.plan`, made.plan);
    expect(loadPlan(`${at.audit}.plan`).plan).toEqual(made.plan);

    const result = await run(target, at, made);
    expect(result.totals).toMatchObject({ tags: 0, manifests: 0 });
    const lines = (await readFile(at.audit, "utf8")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { action: "restore-tag", tags: [OLD], digest: at.shared.digest, result: "done" },
    ]);
    expect((await plan(target)).plan.repositories).toEqual([]);
  });

  test("is put back while other images of the repository go", async () => {
    await using at = await world();
    await leaveOnPlaceholder(at);
    const aged = image({ size: 30, created: "2020-01-01T00:00:00Z" });
    await aged.push(at.url, APP, "pr-1", "pr-2");
    await using target = openTarget(at.url);

    const { outcome, totals } = await run(target, at);

    expect([outcome, totals.tags, totals.manifests]).toEqual(["done", 2, 1]);
    expect(await tagsAt(at.url, APP)).toEqual({
      [OLD]: at.shared.digest,
      [LATEST]: at.shared.digest,
    });
  });

  test("is put back where the storage is read as well", async () => {
    await using at = await world();
    await leaveOnPlaceholder(at);
    await using target = openTarget(at.url);

    await run(withTree(target, at.data, { created: false }), at);

    expect(await digestAt(at.url, APP, OLD)).toBe(at.shared.digest);
  });

  test("keeps what somebody has pushed since the plan, or at the last moment", async () => {
    for (const isLate of [false, true]) {
      await using at = await world();
      await leaveOnPlaceholder(at);
      const pushed = image({ size: 20 });
      at.proxy.intercept = () => undefined;
      const late: CountingProxy["after"] = async ({ method, path }) => {
        const isMoment = method === "GET" && path.endsWith(at.shared.digest);
        if (isLate && isMoment) await pushed.push(at.url, APP, OLD);
        return undefined;
      };
      await using target = openTarget(at.proxy.url);
      const made = await plan(target);
      at.proxy.after = late;
      if (!isLate) await pushed.push(at.url, APP, OLD);

      await run(target, at, made);

      expect(await digestAt(at.url, APP, OLD)).toBe(pushed.digest);
    }
  });

  test("stays on the placeholder when its image is gone", async () => {
    await using at = await world();
    const left = await leaveOnPlaceholder(at);
    await fetch(`${at.url}/v2/${APP}/manifests/${at.shared.digest}`, { method: "DELETE" });
    await using target = openTarget(at.url);

    const made = await plan(target);
    expect(made.plan.repositories.flatMap(({ actions }) => actions)).toEqual([]);
    expect((await failureOf(restore(target))).kind).toBe("REFUSED");

    expect(await tagsAt(at.url, APP)).toEqual({ [OLD]: left });
  });
});
