import type { z } from "zod";
import { nearest } from "./nearest.ts";
import { schema } from "./schema.ts";
import { shapeOf, typeAt } from "./schema-walk.ts";

type Issue = z.core.$ZodIssue;

/**
 * All that is wrong with settings, as sentences with the path of each. `rename` makes a path what the
 * reader knows it as. Values are not repeated, except by those schemas whose values are no secrets.
 */
export function describeIssues(
  issues: readonly Issue[],
  rename: (path: string) => string = (path) => path,
): string {
  return issues.flatMap((issue) => describe(issue, [], rename)).join("; ");
}

function describe(
  issue: Issue,
  above: readonly PropertyKey[],
  rename: (path: string) => string,
): string[] {
  const path = [...above, ...issue.path];
  const where = rename(path.join("."));
  if (issue.code === "invalid_union") {
    const inner = meant(issue.errors);
    if (inner !== null) return inner.flatMap((one) => describe(one, path, rename));
  }
  if (issue.code !== "unrecognized_keys") return [`${where || "the file"}: ${issue.message}`];
  const level = typeAt(schema, path);
  const known = Object.keys((level && shapeOf(level)) ?? {});
  return issue.keys.map((key) => {
    const near = nearest(key, known);
    const hint = near === null ? "" : ` (did you mean ${near}?)`;
    return `unknown setting ${where === "" ? "" : `${where}.`}${key}${hint}`;
  });
}

/** Of the ways in which a value can be read, the one whose kind it has: what is wrong inside of that counts. */
function meant(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const fitting = branches.filter((issues) => !issues.some(isOfAnotherKind));
  return fitting.length === 1 ? (fitting[0] ?? null) : null;
}

function isOfAnotherKind({ path, code }: Issue): boolean {
  return path.length === 0 && code !== "unrecognized_keys" && code !== "custom";
}
