import { z } from "zod";
import { type Digest, isDigest } from "../oci/digest.ts";
import { type RepositoryName, isRepositoryName } from "../oci/name.ts";
import { type Tag, isTag } from "../oci/reference.ts";
import type { PrunePlan } from "./prune-plan.ts";

const name = z.custom<RepositoryName>(
  (value) => typeof value === "string" && isRepositoryName(value),
  "is no name of a repository",
);
const tag = z.custom<Tag>((value) => typeof value === "string" && isTag(value), "is no tag");
const digest = z.custom<Digest>(
  (value) => typeof value === "string" && isDigest(value),
  "is no digest",
);
const count = z.int().nonnegative();
const text = z.string();

const action = z.discriminatedUnion("action", [
  z.strictObject({
    action: z.literal("restore-tag"),
    tag,
    digest,
    rule: text.nullable(),
    reason: text,
  }),
  z.strictObject({
    action: z.literal("remove-tag"),
    tag,
    digest,
    rule: text.nullable(),
    reason: text,
    sharedWith: z.array(tag),
  }),
  z.strictObject({
    action: z.literal("delete-manifest"),
    digest,
    mediaType: text,
    tags: z.array(tag),
    rule: text.nullable(),
    reason: text,
  }),
]);

const bytes = z.strictObject({ freed: count, shared: count });

/** The document as it is saved, without its id. Strict: what a newer version means, this one does not know. */
export const planSchema: z.ZodType<PrunePlan> = z.strictObject({
  schemaVersion: z.literal(1),
  kind: z.literal("prune"),
  createdAt: count,
  registry: z.strictObject({
    name: text,
    place: text.min(1),
    bytes: z.enum(["exact", "estimated"]),
  }),
  repositories: z.array(
    z.strictObject({
      repository: name,
      policy: text.nullable(),
      readAt: count,
      tags: count,
      keptWhole: text.nullable(),
      actions: z.array(action),
      kept: z.array(z.strictObject({ tag, digest, reason: text })),
      orphaned: z.array(digest),
      bytes,
    }),
  ),
  totals: z.strictObject({
    repositories: count,
    tags: z.strictObject({ all: count, deleted: count }),
    manifests: count,
    bytes,
    keptRepositories: z.array(z.strictObject({ repository: name, reason: text })),
    seconds: z.number().nonnegative(),
  }),
  warnings: z.array(text),
});
