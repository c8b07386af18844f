import {
  layerLink,
  linkBytes,
  revisionLink,
  tagCurrentLink,
  tagIndexLink,
} from "../storage/tree.ts";
import type { PlannedRepository } from "./plan.ts";

/** One link of a repository. `at`: of a tag, when it was pushed; the others are as young as the restore. */
export interface LinkFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly at: number | null;
}

/**
 * The links that a planned repository has in the tree. Those of layers and manifests get the time of the
 * restore, so that no collection takes for old what has just come back. Pure.
 */
export function* linksOf({
  name,
  layers,
  manifests,
  planned,
}: PlannedRepository): Generator<LinkFile> {
  for (const digest of layers) {
    yield { path: layerLink(name, digest), bytes: linkBytes(digest), at: null };
  }
  for (const digest of manifests) {
    yield { path: revisionLink(name, digest), bytes: linkBytes(digest), at: null };
  }
  for (const { tag, digest, pushedAt, does } of planned) {
    if (does === "kept") continue;
    const bytes = linkBytes(digest);
    yield { path: tagIndexLink(name, tag, digest), bytes, at: pushedAt };
    yield { path: tagCurrentLink(name, tag), bytes, at: pushedAt };
  }
}
