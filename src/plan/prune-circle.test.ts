import { expect, test } from "bun:test";
import { applyTo, planOf, policy } from "../../test/support/prune-run.ts";
import { PruneWorld, digestOf } from "../../test/support/prune-world.ts";
import type { RetentionManifest } from "../inventory/retention-inventory.ts";

test("manifests that need each other, as only a forger can make them, do not hold up an apply", async () => {
  const at = new PruneWorld();
  at.push("app", ["v1"]);
  const { manifests } = at.at("app");
  const [a, b, top] = ["a", "b", "top"].map(digestOf);
  const [basis] = manifests.values();
  const forge = (digest = a, more: Partial<RetentionManifest>): void => {
    if (basis && digest) manifests.set(digest, { ...basis, digest, blobs: [], ...more });
  };
  if (!a || !b || !top) throw new Error("three digests");
  // Each is the subject of the other, and both are listed by an index.
  forge(top, { children: [a, b] });
  forge(a, { subject: b });
  forge(b, { subject: a });
  at.tag("app", "old-1", top);
  const { plan } = await planOf(at, [policy()]);
  expect(plan.repositories[0]?.actions).toHaveLength(3);

  const result = await Promise.race([applyTo(at, plan), Bun.sleep(5000)]);

  expect(result).toMatchObject({ outcome: "done" });
  expect(at.at("app").manifests.size).toBe(1);
});
