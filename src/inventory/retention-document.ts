import { z } from "zod";
import { type Digest, isDigest } from "../oci/digest.ts";
import { type RepositoryName, isRepositoryName } from "../oci/name.ts";
import { type Tag, isTag } from "../oci/reference.ts";
import type { RetentionInventory } from "./retention-inventory.ts";

const digest = z.custom<Digest>((value) => typeof value === "string" && isDigest(value));
const time = z.number().nullable();
const size = z.number().int().nonnegative();

const inventory = z.object({
  name: z.custom<RepositoryName>((value) => typeof value === "string" && isRepositoryName(value)),
  tags: z.array(
    z.object({
      tag: z.custom<Tag>((value) => typeof value === "string" && isTag(value)),
      digest,
      pushedAt: time,
    }),
  ),
  manifests: z.array(
    z.object({
      digest,
      mediaType: z.string(),
      size,
      pushedAt: time,
      createdAt: time,
      pulledAt: time,
      untaggedAt: time,
      subject: digest.nullable(),
      artifactType: z.string().nullable(),
      children: z.array(digest),
      blobs: z.array(z.object({ digest, size })),
    }),
  ),
  untaggedListed: z.boolean(),
  pullsSince: time,
  unreadable: z.array(z.object({ path: z.string(), problem: z.string() })),
});

/** An inventory as another Wharfinger has sent it. Null when it is none, or one of something else than `about`. */
export function readRetentionDocument(
  document: unknown,
  about: RepositoryName | null = null,
): RetentionInventory | null {
  const { data } = inventory.safeParse(document);
  if (!data || (about !== null && data.name !== about)) return null;
  return data;
}
