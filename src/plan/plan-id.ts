import { createHash } from "node:crypto";
import type { PrunePlan } from "./prune-plan.ts";

/**
 * What a plan is known by, in audits and results, and what shows that a saved one was changed: the SHA-256
 * of what it says, part by part, so that a huge plan is never one string. Pure.
 */
export function planId({ repositories, ...head }: PrunePlan): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify(head));
  for (const repository of repositories) hash.update(`\n${JSON.stringify(repository)}`);
  return `sha256:${hash.digest("hex")}`;
}
