import { describe, expect, test } from "bun:test";
import { planOf, policy } from "../../test/support/prune-run.ts";
import { PruneWorld } from "../../test/support/prune-world.ts";
import { temporaryFolder } from "../../test/support/folder.ts";
import { RegistryError } from "../oci/errors.ts";
import { ageRemark, loadPlan, savePlan } from "./plan-file.ts";
import { planId } from "./plan-id.ts";
import type { PrunePlan } from "./prune-plan.ts";

async function somePlan(): Promise<PrunePlan> {
  const world = new PruneWorld();
  for (const name of ["a", "b/c"]) {
    const child = world.push(name, []);
    world.push(name, ["old-1", "old-2"], { children: [child], blobs: ["x"] });
    world.push(name, ["old-3", "v1"]);
  }
  return (await planOf(world, [policy()])).plan;
}

/** As JSON has it, so that a test can spoil it. */
type Changed = Record<string, unknown> & {
  readonly repositories: {
    repository: string;
    readonly actions: { tag: string; digest: string; readonly tags: string[] }[];
  }[];
};

function reasonOf(path: string): string {
  try {
    loadPlan(path);
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "PLAN_INVALID") return error.message;
    throw error;
  }
  return "";
}

test("a plan that was saved is loaded as it was, with the same id, also when somebody has laid it out anew", async () => {
  await using folder = await temporaryFolder();
  const plan = await somePlan();
  const path = folder.at("plan.json");

  const id = savePlan(path, plan);

  expect(id).toBe(planId(plan));
  expect(loadPlan(path)).toEqual({ plan, id });
  await Bun.write(path, JSON.stringify(await Bun.file(path).json(), null, 4));
  expect(loadPlan(path)).toEqual({ plan, id });
  savePlan(path, plan);
});

test("a plan that was cut off anywhere is refused", async () => {
  await using folder = await temporaryFolder();
  const whole = folder.at("plan.json");
  savePlan(whole, await somePlan());
  const text = await Bun.file(whole).text();
  const cut = folder.at("cut.json");
  for (let length = 0; length < text.trimEnd().length; length += 7) {
    await Bun.write(cut, text.slice(0, length));
    expect(reasonOf(cut)).toContain(length === 0 ? "it is empty" : "cut.json: it ");
  }
  await Bun.write(cut, text.slice(0, 700));
  expect(reasonOf(cut)).toContain("it was cut off");
});

function first({ repositories }: Changed): { tag: string; digest: string } {
  return repositories[0]!.actions[0]!;
}

describe("a plan that is not as it was made is refused", () => {
  test.each<[string, (plan: Changed) => void, string]>([
    ["a tag more", (plan) => plan.repositories[0]?.actions[1]?.tags.push("v9"), "it was changed"],
    [
      "another digest",
      (plan) => (first(plan).digest = `sha256:${"0".repeat(64)}`),
      "it was changed",
    ],
    ["no id", (plan) => delete plan["id"], "it was changed"],
    ["a newer version", (plan) => (plan["schemaVersion"] = 2), "it has version 2"],
    ["an unknown key", (plan) => (plan["more"] = 1), "more"],
    [
      "a name that is none",
      (plan) => (plan.repositories[0]!.repository = "../../etc"),
      "repositories.0.repository: is no name",
    ],
    ["a tag that is none", (plan) => (first(plan).tag = "a/b"), "is no tag"],
    [
      "the result of a run",
      (plan) => (plan["kind"] = "prune-result"),
      "it is what became of a plan",
    ],
    ["something else", (plan) => delete plan["kind"], "it is no plan"],
  ])("%s", async (_, change, reason) => {
    await using folder = await temporaryFolder();
    const path = folder.at("plan.json");
    savePlan(path, await somePlan());
    const plan = (await Bun.file(path).json()) as Changed;
    change(plan);
    await Bun.write(path, JSON.stringify(plan));

    expect(reasonOf(path)).toContain(reason);
  });

  test("no JSON, no file", async () => {
    await using folder = await temporaryFolder();
    await Bun.write(folder.at("text"), "{ a plan }");
    expect(reasonOf(folder.at("text"))).toContain("it is not JSON");
    expect(reasonOf(folder.at("none"))).toContain("ENOENT");
  });
});

test("saving replaces another plan, and nothing else", async () => {
  await using folder = await temporaryFolder();
  const plan = await somePlan();
  await Bun.write(folder.at("wharf.yaml"), "listen: :5000\n");

  expect(() => savePlan(folder.at("wharf.yaml"), plan)).toThrow("it is no plan");
  expect(await Bun.file(folder.at("wharf.yaml")).text()).toBe("listen: :5000\n");
  expect(() => savePlan(folder.at("none/plan.json"), plan)).toThrow("ENOENT");
});

test("a plan of another day is called old, and one of tomorrow is doubted", () => {
  const createdAt = 1_800_000_000_000;
  const hours = (count: number): number => createdAt + count * 3_600_000;
  expect(ageRemark({ createdAt }, hours(23))).toBeNull();
  expect(ageRemark({ createdAt }, hours(25))).toContain("1 day old");
  expect(ageRemark({ createdAt }, hours(73))).toContain("3 days old");
  expect(ageRemark({ createdAt }, hours(-1))).toContain("in the future");
});
