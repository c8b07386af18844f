import type { Page, ReferrerRecord } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Paged, cutPage } from "./pages.ts";
import type { Registry } from "./registry.ts";

/**
 * The manifests of this repository whose subject is `subject`, whether or not the subject is there.
 * Never a 404: a subject or repository nobody knows has no referrers.
 *
 * @see OCI distribution spec 1.1, "Listing Referrers"
 */
export async function listReferrers(
  name: RepositoryName,
  subject: Digest,
  artifactType: string | null,
  { last, limit }: Page,
  { metadata }: Registry,
): Promise<Paged<ReferrerRecord>> {
  const page = { last, limit: limit + 1 };
  const found = await metadata.listReferrers(name, subject, artifactType, page);
  return cutPage(found, limit, ({ digest }) => digest);
}
