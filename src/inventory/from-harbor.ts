import type { HarborAccessory, HarborArtifact } from "../client/harbor-artifacts.ts";
import type { Digest } from "../oci/digest.ts";
import { OCI_IMAGE } from "../oci/media-types.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { RetentionInventory, RetentionManifest, RetentionTag } from "./retention-inventory.ts";

/**
 * What Harbor tells of a repository, as retention needs it. Its times are exact. Pure.
 *
 * Harbor says how large an artifact is with all that it needs, and not of which blobs that is made up; its
 * manifests cannot be asked, because it counts each reading as a pull. So `size` is that sum without the
 * children, `blobs` is empty, and bytes counted from it are at most too many: layers that artifacts share
 * count for each of them.
 */
export function inventoryFromHarbor(
  name: RepositoryName,
  artifacts: readonly HarborArtifact[],
): RetentionInventory {
  const byDigest = new Map(artifacts.map((artifact) => [artifact.digest, artifact]));
  const accessories = artifacts.flatMap(({ digest, accessories: own }) =>
    own.map((accessory) => fromAccessory(accessory, digest)),
  );
  const manifests = new Map<Digest, RetentionManifest>();
  for (const one of accessories) manifests.set(one.digest, one);
  for (const artifact of artifacts) {
    manifests.set(artifact.digest, {
      ...fromArtifact(artifact, byDigest),
      subject: manifests.get(artifact.digest)?.subject ?? null,
    });
  }
  return {
    name,
    tags: artifacts.flatMap(tagsOf),
    manifests: [...manifests.values()],
    untaggedListed: true,
    pullsSince: pullsSince(artifacts),
    unreadable: [],
  };
}

function tagsOf({ digest, tags }: HarborArtifact): RetentionTag[] {
  return tags.map(({ tag, pushedAt, immutable }) => ({ tag, digest, pushedAt, immutable }));
}

function fromArtifact(
  artifact: HarborArtifact,
  byDigest: ReadonlyMap<Digest, HarborArtifact>,
): RetentionManifest {
  const { digest, mediaType, pushedAt, artifactType } = artifact;
  const below = artifact.children.flatMap((child) => byDigest.get(child) ?? []);
  const ofChildren = below.reduce((sum, { size }) => sum + size, 0);
  return {
    digest,
    mediaType,
    size: Math.max(0, artifact.size - ofChildren),
    pushedAt,
    createdAt: latest([artifact.createdAt, ...below.map(({ createdAt }) => createdAt)]),
    pulledAt: latest([artifact.pulledAt, ...below.map(({ pulledAt }) => pulledAt)]),
    // When its last tag went is not recorded.
    untaggedAt: null,
    subject: null,
    artifactType,
    children: artifact.children,
    blobs: [],
  };
}

/** Of an accessory Harbor tells little; its media type is that of all that cosign, notation and trivy write. */
function fromAccessory(
  { digest, size, type, createdAt }: HarborAccessory,
  subject: Digest,
): RetentionManifest {
  return {
    digest,
    mediaType: OCI_IMAGE,
    size,
    pushedAt: createdAt,
    createdAt: null,
    pulledAt: null,
    untaggedAt: null,
    subject,
    artifactType: type,
    children: [],
    blobs: [],
  };
}

/**
 * Harbor can be told to record no pulls, and does not say so. The oldest pull that it shows tells since when at
 * least it does; it shows only the last of each artifact.
 */
function pullsSince(artifacts: readonly HarborArtifact[]): number | null {
  const pulls = artifacts.flatMap(({ pulledAt }) => pulledAt ?? []);
  return pulls.reduce<number | null>(
    (first, at) => (first === null ? at : Math.min(first, at)),
    null,
  );
}

function latest(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.max(...known);
}
