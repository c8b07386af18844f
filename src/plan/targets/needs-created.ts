import type { RetentionPolicy } from "../../retention/policy.ts";

/** Whether one of the policies asks when images were built: somebody has to read their configs for that. Pure. */
export function needsCreated(policies: readonly RetentionPolicy[]): boolean {
  return policies.some(
    (policy) =>
      policy.delete.some(
        ({ clock, olderThan }) => clock === "created" && olderThan !== undefined,
      ) ||
      policy.keep.some(
        ({ orderBy, createdWithin }) => orderBy === "created" || createdWithin !== undefined,
      ),
  );
}
