import type { RetentionManifest, RetentionTag } from "../inventory/retention-inventory.ts";
import { type Digest, algorithmOf, isDigest } from "../oci/digest.ts";
import { referrersTag } from "../oci/reference.ts";

/** What a tag is that no person made: it belongs to the manifest whose digest stands in its name. */
export interface Follower {
  /** Null: there is no such manifest in the inventory. */
  readonly subject: Digest | null;
  /** `signature`, `attestation`, `SBOM`, `referrers`. */
  readonly what: string;
}

const FOLLOWER = /^(sha256|sha512)-([0-9a-f]{64})(?:\.(sig|att|sbom))?$/;

const WHAT: Readonly<Record<string, string>> = {
  sig: "signature",
  att: "attestation",
  sbom: "SBOM",
};

/**
 * Which of the tags follow a subject: those of cosign (`sha256-….sig`, `.att`, `.sbom`) and the lists of
 * referrers that clients keep where a registry has no API for them. By their index. Pure.
 *
 * @see OCI distribution spec 1.1, "Referrers Tag Schema"
 */
export function followersIn(
  tags: readonly RetentionTag[],
  manifests: readonly RetentionManifest[],
): ReadonlyMap<number, Follower> {
  const found = new Map<number, Follower>();
  let subjects: ReadonlyMap<string, Digest> | null = null;
  let index = -1;
  for (const { tag, digest } of tags) {
    index++;
    const match = looksFollowing(tag) ? FOLLOWER.exec(tag) : null;
    if (match === null) continue;
    subjects ??= subjectsOf(manifests);
    const [, algorithm, encoded, suffix] = match;
    const subject = subjects.get(`${algorithm}-${encoded}`) ?? null;
    // Somebody has pinned an image by a tag of its own digest: that is an image, and follows nothing.
    if (subject === digest && suffix === undefined) continue;
    found.set(index, {
      subject,
      what: suffix === undefined ? "list of referrers" : (WHAT[suffix] ?? suffix),
    });
  }
  return found;
}

/** Says no quickly: nearly every tag is none. */
function looksFollowing(tag: string): boolean {
  return tag.length >= 71 && tag.startsWith("sha");
}

/** By the tag that a list of referrers would have; of sha512 that holds only half of the digest. */
function subjectsOf(manifests: readonly RetentionManifest[]): ReadonlyMap<string, Digest> {
  return new Map(manifests.map(({ digest }) => [referrersTag(digest), digest]));
}

/** The digest that a follower's name speaks of, as far as it says it: for reports about a missing subject. */
export function subjectWords(tag: string): string {
  const [, algorithm, encoded] = FOLLOWER.exec(tag) ?? [];
  const digest = `${algorithm}:${encoded}`;
  return isDigest(digest) && algorithmOf(digest) === "sha256" ? digest : `${digest}…`;
}
