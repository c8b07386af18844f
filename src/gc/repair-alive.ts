import { paged } from "../metadata/paged.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Finding } from "./finding.ts";
import type { Repairable } from "./repairable.ts";

/**
 * What the tree of a repository still leads to, by its tags and by the manifests that it has: a link that
 * is missing there was lost. What it does not lead to, somebody may have removed on purpose.
 */
export async function aliveIn(
  name: RepositoryName,
  findings: readonly Finding[],
  { metadata }: Repairable,
): Promise<Set<Digest>> {
  const lost = new Set(
    findings.filter(({ cause }) => cause === "link").map(({ path }) => path ?? ""),
  );
  const alive = new Set<Digest>();
  const known = await metadata.knownRepository(name);
  const lostDigests = new Set(
    findings.flatMap(({ cause, path, digest }) =>
      cause === "link" && digest && path?.includes("/_manifests/revisions/") ? [digest] : [],
    ),
  );
  for (const digest of known?.manifests.keys() ?? []) {
    if (!lostDigests.has(digest)) alive.add(digest);
  }
  const lostTags = new Set(
    findings.flatMap(({ cause, images }) => (cause === "tag" ? images : [])),
  );
  const tags = paged(
    { last: null, limit: 1000 },
    (page) => metadata.listTags(name, page),
    ({ tag }) => tag,
  );
  for await (const { tag, digest } of tags) {
    if (!lostTags.has(`${name}:${tag}`)) alive.add(digest);
  }
  if (lost.size === 0) return alive;
  // A set can grow while it is walked.
  for (const digest of alive) {
    for (const reference of await metadata.referencesOf(name, digest)) alive.add(reference.digest);
  }
  return alive;
}
