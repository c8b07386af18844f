import type { Digest } from "../../oci/digest.ts";
import type { RetentionManifest } from "../retention-inventory.ts";
import type { DatedFacts } from "./read-facts.ts";

/**
 * Manifests as decisions see them. An index is as young as the youngest of its children, and was pulled
 * when one of them was. Pure.
 */
export function manifestsOf(
  facts: ReadonlyMap<Digest, DatedFacts>,
  pulled: ReadonlyMap<Digest, number>,
): RetentionManifest[] {
  const created = new Map<Digest, number | null>();
  const pulls = new Map<Digest, number | null>();
  return [...facts].map(
    ([digest, { mediaType, size, subject, artifactType, children, blobs }]) => ({
      digest,
      mediaType,
      size,
      pushedAt: null,
      createdAt: latestBelow(
        digest,
        facts,
        created,
        (one) => facts.get(one)?.createdAt ?? null,
        true,
      ),
      pulledAt: latestBelow(digest, facts, pulls, (one) => pulled.get(one) ?? null, false),
      untaggedAt: null,
      subject,
      artifactType,
      children,
      blobs,
    }),
  );
}

/** `childrenFirst`: what a manifest says itself counts only where nothing below it says anything. */
function latestBelow(
  digest: Digest,
  facts: ReadonlyMap<Digest, DatedFacts>,
  known: Map<Digest, number | null>,
  own: (digest: Digest) => number | null,
  childrenFirst: boolean,
): number | null {
  const before = known.get(digest);
  if (before !== undefined) return before;
  // Nothing can name itself, however deep; this only keeps a broken cache from going round for ever.
  known.set(digest, null);
  const children = facts.get(digest)?.children ?? [];
  const below = children.map((child) => latestBelow(child, facts, known, own, childrenFirst));
  const mine = own(digest);
  const latest = latestOf(childrenFirst ? below : [...below, mine]) ?? mine;
  known.set(digest, latest);
  return latest;
}

function latestOf(times: readonly (number | null)[]): number | null {
  let latest: number | null = null;
  for (const time of times) if (time !== null && (latest === null || time > latest)) latest = time;
  return latest;
}
