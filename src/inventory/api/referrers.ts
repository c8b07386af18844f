import { type Connection, scopeOf } from "../../client/connection.ts";
import { PageGuard, nextQuery } from "../../client/lists.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import { RegistryError } from "../../oci/errors.ts";
import { isRecord } from "../../oci/json.ts";
import { OCI_INDEX } from "../../oci/media-types.ts";
import type { RepositoryName } from "../../oci/name.ts";

const LARGEST_PAGE = 8 * 1024 * 1024;
/** A manifest has a few signatures, scans and the like; an endless list of them was an attack on others. */
const MOST = 10_000;

/**
 * The digests of all that has this manifest as its subject. Null: the registry has no such API. That also
 * is what any odd answer means: who does not know of a signature leaves it where it is, and loses nothing.
 *
 * @see OCI distribution spec 1.1, "Listing Referrers"
 */
export async function referrersOf(
  connection: Connection,
  name: RepositoryName,
  subject: Digest,
): Promise<Digest[] | null> {
  const { origin } = connection.address;
  const guard = new PageGuard(origin);
  const found = new Set<Digest>();
  for (let query: string | null = ""; query !== null;) {
    const reply = await connection.ask({
      method: "GET",
      path: `/v2/${name}/referrers/${subject}${query}`,
      scope: scopeOf(name, "pull"),
      accept: OCI_INDEX,
    });
    const { status } = reply;
    const isJson = reply.header("content-type")?.includes("json") === true;
    if ((status >= 400 && status < 500 && status !== 429) || (status === 200 && !isJson)) {
      await reply.discard();
      return null;
    }
    if (status !== 200) {
      const about = `the referrers of ${name}@${subject}`;
      throw await connection.refusal(reply, { about, missing: "REMOTE" });
    }
    query = nextQuery(reply.header("link"), origin);
    const { manifests } = await reply.object(LARGEST_PAGE);
    if (manifests !== null && !Array.isArray(manifests)) return null;
    const entries: readonly unknown[] = manifests ?? [];
    guard.turn(query, entries.length);
    for (const entry of entries) {
      const digest = isRecord(entry) ? entry["digest"] : null;
      if (typeof digest === "string" && isDigest(digest)) found.add(digest);
    }
    if (found.size > MOST) {
      throw new RegistryError("REMOTE", {
        reason: `${origin} lists more than ${MOST} referrers of ${name}@${subject}`,
      });
    }
  }
  return [...found];
}
