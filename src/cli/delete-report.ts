import { printable } from "../client/http/printable.ts";
import type { RegistryError } from "../oci/errors.ts";
import type { Outcome } from "./delete-apply.ts";
import type { Removal } from "./delete-plan.ts";
import { counted, humanSize, shortDigest } from "./units.ts";

/** An image that could not even be looked at. */
export interface Missing {
  readonly image: string;
  readonly error: RegistryError;
}

/** Tags that are named in a sentence; of those that would go all are. */
const MOST_NAMED = 5;

/** The plan for people, registry by registry. Pure. */
export function planLines(removals: readonly Removal[]): string[] {
  const registries = Map.groupBy(removals, ({ registry }) => registry);
  return [...registries].flatMap(([registry, those]) => [
    `To delete from ${registry}:`,
    ...those.flatMap((removal) => [
      `  ${removal.image}  (${facts(removal)})`,
      `    ${effect(removal)}`,
    ]),
  ]);
}

function facts({ digest, size }: Removal): string {
  return size === null ? shortDigest(digest) : `${shortDigest(digest)}, ${humanSize(size)}`;
}

function effect({ deletes, tags, sharedWith }: Removal): string {
  if (deletes === "manifest") {
    if (tags.length === 0) return "the manifest goes; no tag names it";
    return `the manifest goes, and with it ${counted(tags.length, "tag")}: ${named(tags, Infinity)}`;
  }
  return sharedWith.length === 0
    ? "the tag goes; no other tag keeps its manifest"
    : `only the tag goes; the manifest stays for ${named(sharedWith, MOST_NAMED)}`;
}

function named(tags: readonly string[], most: number): string {
  const shown = tags
    .slice(0, most)
    .map((tag) => printable(tag))
    .join(", ");
  return tags.length > most ? `${shown} and ${tags.length - most} more` : shown;
}

/** `Delete 2 tags and 1 manifest (with 3 tags)? [y/N] `. Pure. */
export function question(removals: readonly Removal[]): string {
  const tags = removals.filter(({ deletes }) => deletes === "tag");
  const manifests = removals.filter(({ deletes }) => deletes === "manifest");
  const along = manifests.reduce((sum, one) => sum + one.tags.length, 0);
  const parts = [
    tags.length > 0 && counted(tags.length, "tag"),
    manifests.length > 0 &&
      counted(manifests.length, "manifest") + (along > 0 ? ` (with ${counted(along, "tag")})` : ""),
  ];
  return `Delete ${parts.filter(Boolean).join(" and ")}? [y/N] `;
}

/** Pure. */
export function failureLine(image: string, error: RegistryError): string {
  return `failed ${image}: ${error.message}`;
}

/** What one who cannot delete a tag wants to know next: whom deleting its digest would hit. Pure. */
export function keptLine(
  { image, digest, sharedWith }: Removal,
  { detail }: RegistryError,
): string {
  const answer = [detail["status"], detail["code"]].filter(Boolean).join(" ");
  const others =
    sharedWith.length === 0
      ? `no other tag names its digest ${digest}`
      : `its digest ${digest} is shared with ${named(sharedWith, Infinity)}`;
  return `kept ${image}: the registry does not delete this tag (${answer}); ${others}`;
}

/** The entries of the JSON document's `images`. Pure. */
export function plainOutcomes(
  removals: readonly Removal[],
  outcomes: readonly Outcome[],
  missing: readonly Missing[],
) {
  const ends = new Map(outcomes.map((outcome) => [outcome.removal, outcome]));
  const planned = removals.map((removal) => {
    const outcome = ends.get(removal);
    // The host is a part of `registry`.
    const { host: _host, ...plain } = removal;
    return {
      ...plain,
      result: outcome?.result ?? "planned",
      reason: outcome && "error" in outcome ? outcome.error.message : null,
    };
  });
  const failed = missing.map(({ image, error }) => ({
    image,
    result: "failed",
    reason: error.message,
  }));
  return [...planned, ...failed];
}
