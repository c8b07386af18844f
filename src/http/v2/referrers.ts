import type { Page, ReferrerRecord } from "../../metadata/metadata.ts";
import { type Digest, parseDigest } from "../../oci/digest.ts";
import { OCI_INDEX } from "../../oci/media-types.ts";
import { type RepositoryName, parseName } from "../../oci/name.ts";
import type { Paged } from "../../registry/pages.ts";
import { listReferrers } from "../../registry/referrers.ts";
import type { Registry } from "../../registry/registry.ts";
import { type Handler, encodedParameter, parameter } from "../exchange.ts";
import { requestedPage, single } from "../query.ts";
import { json, nextLink } from "../reply.ts";

/** An answer is an index, and clients hold indexes in memory. */
const MOST = 1000;
/** Bytes of descriptors in one answer, unless a single one has more: what every client takes as a manifest. */
const MOST_BYTES = 4 * 1024 * 1024;
/** So many are read at once: the annotations of each can be as large as a manifest. */
const AT_ONCE = 16;

export const getReferrers: Handler = async (exchange) => {
  const { query, registry, publicUrl } = exchange;
  const name = parseName(parameter(exchange, "name"));
  const subject = parseDigest(encodedParameter(exchange, "digest"));
  const artifactType = single(query, "artifactType") || null;
  const page = requestedPage(query, MOST, MOST);
  const { items, next } = await onePage(name, subject, artifactType, page, registry);
  const path = `${publicUrl}/v2/${name}/referrers/${subject}`;
  return json(
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests: items },
    {
      "content-type": OCI_INDEX,
      ...(artifactType !== null && { "oci-filters-applied": "artifactType" }),
      ...(next !== null && nextLink(path, { artifactType, n: String(page.limit), last: next })),
    },
  );
};

type Descriptor = ReturnType<typeof descriptor>;

/** Ends a page early when it becomes too large to be one document. */
async function onePage(
  name: RepositoryName,
  subject: Digest,
  artifactType: string | null,
  page: Page,
  registry: Registry,
): Promise<Paged<Descriptor>> {
  const items: Descriptor[] = [];
  let bytes = 0;
  let { last } = page;
  while (true) {
    const limit = Math.min(page.limit - items.length, AT_ONCE);
    const some = await listReferrers(name, subject, artifactType, { last, limit }, registry);
    for (const item of some.items) {
      const entry = descriptor(item);
      bytes += JSON.stringify(entry).length;
      if (bytes > MOST_BYTES && items.length > 0) return { items, next: last };
      items.push(entry);
      last = item.digest;
    }
    if (some.next === null || items.length >= page.limit) return { items, next: some.next };
  }
}

function descriptor({ mediaType, digest, size, artifactType, annotations }: ReferrerRecord) {
  return {
    mediaType,
    digest,
    size,
    ...(artifactType !== null && { artifactType }),
    ...(annotations !== null && { annotations }),
  };
}
