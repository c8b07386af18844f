import type { ReferrerRecord } from "../../metadata/metadata.ts";
import { parseDigest } from "../../oci/digest.ts";
import { OCI_INDEX } from "../../oci/media-types.ts";
import { parseName } from "../../oci/name.ts";
import { listReferrers } from "../../registry/referrers.ts";
import { type Handler, parameter } from "../exchange.ts";
import { requestedPage, single } from "../query.ts";
import { json, nextLink } from "../reply.ts";

/** An answer is an index, and clients hold indexes in memory. */
const MOST = 1000;

export const getReferrers: Handler = async (exchange) => {
  const { query, registry, publicUrl } = exchange;
  const name = parseName(parameter(exchange, "name"));
  const subject = parseDigest(parameter(exchange, "digest").replace(/%3a/i, ":"));
  const artifactType = single(query, "artifactType") || null;
  const page = requestedPage(query, MOST, MOST);
  const { items, next } = await listReferrers(name, subject, artifactType, page, registry);
  const path = `${publicUrl}/v2/${name}/referrers/${subject}`;
  return json(
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests: items.map(descriptor) },
    {
      "content-type": OCI_INDEX,
      ...(artifactType !== null && { "oci-filters-applied": "artifactType" }),
      ...(next !== null && nextLink(path, { artifactType, n: String(page.limit), last: next })),
    },
  );
};

function descriptor({ mediaType, digest, size, artifactType, annotations }: ReferrerRecord) {
  return {
    mediaType,
    digest,
    size,
    ...(artifactType !== null && { artifactType }),
    ...(annotations !== null && { annotations }),
  };
}
