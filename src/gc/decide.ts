import type {
  InventoryLink,
  InventoryManifest,
  RepositoryInventory,
} from "../inventory/inventory.ts";
import type { CollectPolicy, KeptBecause } from "../metadata/collection.ts";
import type { Digest } from "../oci/digest.ts";
import type { DoomedLink, DoomedManifest } from "../plan/gc-plan.ts";

/** What a collection may take, as it is asked for of rows, too. */
export type GcPolicy = Omit<CollectPolicy, "run">;

/** What becomes of one repository: it is kept whole, or judged piece by piece. */
export type Verdict = KeptWhole | Judged;

export interface KeptWhole {
  readonly whole: true;
  /** Why, in a few words; the first of what may be many. */
  readonly reason: string;
}

export interface Judged {
  readonly whole: false;
  readonly manifests: readonly DoomedManifest[];
  readonly links: readonly DoomedLink[];
  /** Digests of the manifests that stay. */
  readonly keptManifests: ReadonlySet<Digest>;
  /** Digests of the layer links that stay. */
  readonly keptLinks: ReadonlySet<Digest>;
  /** How many of the manifests and links that stay do so, by the first reason that was found. */
  readonly kept: Readonly<Record<Kept, number>>;
  /** Nothing stays. */
  readonly empty: boolean;
}

/** `untagged`: the policy keeps manifests that no tag names. */
export type Kept = Exclude<KeptBecause, "gone" | "unreadable"> | "untagged";

/**
 * Says what of one repository is garbage, and why. Pure; linear in the size of the repository.
 *
 * Roots are what a tag names, what is protected, young, or waits for its owner's yes. A kept manifest keeps
 * all that it names, and the referrers whose subject it is; it does not keep its own subject. What no
 * root leads to goes, circles included. A link stays for a kept manifest that names its digest, and for as
 * long as it is young. Nothing is taken from another repository: there the same digest has its own roots.
 *
 * Unreadable is not absent: with anything that could not be read, or a tag that names what is not here,
 * all of the repository is kept.
 */
export function decide(inventory: RepositoryInventory, policy: GcPolicy): Verdict {
  const { tags, manifests, links } = inventory;
  const byDigest = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
  const reason = reasonToKeep(inventory, byDigest);
  if (reason !== null) return { whole: true, reason };

  const kept = { tagged: 0, needed: 0, young: 0, protected: 0, waiting: 0, untagged: 0 };
  const keeps = new Set<Digest>(policy.protectedDigests);
  const tagged = new Set(tags.map(({ digest }) => digest));
  const roots = manifests.filter((manifest) => {
    const why = rootBecause(manifest, tagged, keeps, policy);
    if (why !== null) kept[why]++;
    return why !== null;
  });
  const { reached, named } = reach(roots, byDigest, referrersIn(manifests));
  kept.needed += reached.size - roots.length;

  const keptLinks = new Set<Digest>();
  const doomedLinks: DoomedLink[] = [];
  for (const link of links) {
    const why = linkBecause(link, named, keeps, policy);
    if (why === null) doomedLinks.push(doomedLink(link));
    else {
      kept[why]++;
      keptLinks.add(link.digest);
    }
  }
  const doomed = manifests.filter(({ digest }) => !reached.has(digest));
  return {
    whole: false,
    manifests: doomed.length === 0 ? [] : explain(doomed, byDigest),
    links: doomedLinks,
    keptManifests: reached,
    keptLinks,
    kept,
    empty: tags.length === 0 && reached.size === 0 && keptLinks.size === 0,
  };
}

function reasonToKeep(
  { tags, unreadable }: RepositoryInventory,
  manifests: ReadonlyMap<Digest, InventoryManifest>,
): string | null {
  const [first] = unreadable;
  if (first) {
    const more = unreadable.length > 1 ? ` (and ${unreadable.length - 1} more)` : "";
    return `${first.path}: ${first.problem}${more}`;
  }
  const astray = tags.find(({ digest }) => !manifests.has(digest));
  return astray ? `tag ${astray.tag} names ${astray.digest}, which is not here` : null;
}

function rootBecause(
  manifest: InventoryManifest,
  tagged: ReadonlySet<Digest>,
  keeps: ReadonlySet<Digest>,
  { seenBefore, untaggedBefore, waitingUntil }: GcPolicy,
): Exclude<Kept, "needed"> | null {
  const { digest, pushedAt, seenAt, untaggedAt } = manifest;
  if (tagged.has(digest)) return "tagged";
  if (keeps.has(digest)) return "protected";
  if (untaggedBefore === null) return "untagged";
  if (waitingUntil !== null && pushedAt <= waitingUntil) return "waiting";
  // A time in the future is young, too: some clock was wrong, and nobody knows which.
  const since = Math.max(pushedAt, seenAt, untaggedAt ?? pushedAt);
  return since < seenBefore && since < untaggedBefore ? null : "young";
}

function linkBecause(
  { digest, seenAt, linkedAt = seenAt }: InventoryLink,
  named: ReadonlySet<Digest>,
  keeps: ReadonlySet<Digest>,
  { seenBefore, waitingUntil }: GcPolicy,
): Kept | null {
  if (named.has(digest)) return "needed";
  if (keeps.has(digest)) return "protected";
  // Whoever has asked for it since has not said yes to its going.
  if (waitingUntil !== null && linkedAt <= waitingUntil) return "waiting";
  return seenAt < seenBefore ? null : "young";
}

/** The manifests of the repository by the subject that they refer to. */
function referrersIn(
  manifests: readonly InventoryManifest[],
): ReadonlyMap<Digest, readonly InventoryManifest[]> {
  const referrers = new Map<Digest, InventoryManifest[]>();
  for (const manifest of manifests) {
    if (manifest.subject === null) continue;
    const others = referrers.get(manifest.subject);
    if (others) others.push(manifest);
    else referrers.set(manifest.subject, [manifest]);
  }
  return referrers;
}

/** Everything that the roots lead to. Not by recursion: chains can be long. `named`: by what is reached. */
function reach(
  roots: readonly InventoryManifest[],
  byDigest: ReadonlyMap<Digest, InventoryManifest>,
  referrers: ReadonlyMap<Digest, readonly InventoryManifest[]>,
): { readonly reached: ReadonlySet<Digest>; readonly named: ReadonlySet<Digest> } {
  const reached = new Set(roots.map(({ digest }) => digest));
  const named = new Set<Digest>();
  const waiting = [...roots];
  const visit = (manifest: InventoryManifest): void => {
    if (reached.has(manifest.digest)) return;
    reached.add(manifest.digest);
    waiting.push(manifest);
  };
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    for (const { digest } of next.references) {
      named.add(digest);
      // Whatever its role says: an index may stand where a client takes it for a layer.
      const child = byDigest.get(digest);
      if (child) visit(child);
    }
    for (const referrer of referrers.get(next.digest) ?? []) visit(referrer);
  }
  return { reached, named };
}

/** Why each goes, as whoever reads the plan will ask: what would have kept it, and does not. */
function explain(
  doomed: readonly InventoryManifest[],
  byDigest: ReadonlyMap<Digest, InventoryManifest>,
): DoomedManifest[] {
  const named = new Set(doomed.flatMap((one) => one.references.map(({ digest }) => digest)));
  return doomed.map((manifest) => {
    const { digest, mediaType, size, subject, pushedAt, seenAt, untaggedAt } = manifest;
    const reason =
      subject !== null
        ? byDigest.has(subject)
          ? "subject-goes"
          : "subject-missing"
        : named.has(digest)
          ? "index-goes"
          : "untagged";
    return { digest, mediaType, size, reason, since: Math.max(pushedAt, seenAt, untaggedAt ?? 0) };
  });
}

function doomedLink({ digest, size, seenAt }: InventoryLink): DoomedLink {
  return { digest, size, reason: size === null ? "bytes-missing" : "unneeded", since: seenAt };
}
