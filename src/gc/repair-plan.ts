import { type Digest, isDigest } from "../oci/digest.ts";
import { type RepositoryName, isRepositoryName } from "../oci/name.ts";
import { type Tag, isTag } from "../oci/reference.ts";
import { REPOSITORIES } from "../storage/tree.ts";
import type { Cause, Finding } from "./finding.ts";
import type { Repairable } from "./repairable.ts";

/**
 * What is to be done about one finding. `bytes`: bring the right bytes. `row`: the metadata takes the
 * manifest anew. `link`, `manifest`: the repository gets what it lacks. `write`: a link of the tree is
 * written again. `tag`: the same for a tag. `take`: the metadata takes up what only the tree has. `drop`:
 * a link that leads nowhere goes. `forget`: the metadata forgets what another program has removed. `trash`:
 * the trash lists what it has.
 */
export type Remedy =
  | "bytes"
  | "row"
  | "link"
  | "manifest"
  | "write"
  | "tag"
  | "take"
  | "drop"
  | "forget"
  | "trash";

export interface Action {
  readonly remedy: Remedy;
  readonly finding: Finding;
  readonly repository: RepositoryName | null;
  readonly digest: Digest | null;
  readonly tag: Tag | null;
}

const REMEDIES: Readonly<Record<Cause, Remedy | null>> = {
  bytes: "bytes",
  row: "row",
  "no-blob": "link",
  "no-manifest": "manifest",
  link: "write",
  torn: "write",
  tag: "tag",
  stranger: "take",
  "dead-link": "drop",
  "trash-row": "trash",
  "trash-file": "trash",
  medium: null,
  other: null,
};

/** What must be there before what leads to it, and what goes last. */
const ORDER: readonly Remedy[] = [
  "bytes",
  "row",
  "link",
  "manifest",
  "write",
  "tag",
  "take",
  "drop",
  "forget",
  "trash",
];

/**
 * The actions for what was found, in the order in which they are to be done. `alive`: of a registry that
 * is stopped, what the tree itself still leads to. Pure.
 */
export function planRepairs(
  findings: readonly Finding[],
  state: Repairable["state"],
  alive: ReadonlySet<Digest>,
): Action[] {
  const actions = findings.flatMap((finding): Action[] => {
    const remedy = remedyFor(finding, state, alive);
    if (!remedy) return [];
    const repository = finding.repository ?? repositoryIn(finding.path);
    return [{ remedy, finding, repository, digest: finding.digest, tag: tagIn(finding) }];
  });
  return actions.toSorted((a, b) => ORDER.indexOf(a.remedy) - ORDER.indexOf(b.remedy));
}

function remedyFor(
  { cause, digest, path }: Finding,
  state: Repairable["state"],
  alive: ReadonlySet<Digest>,
): Remedy | null {
  // What a tree lacks that nobody had open while it changed, somebody may have removed on purpose.
  if (cause === "link" && state === "stopped" && digest && !alive.has(digest)) return "forget";
  if (cause === "torn" && path && digest === null) return null;
  return REMEDIES[cause];
}

/** Why nothing is done about a finding. Pure. */
export function hopeless({ cause }: Finding): string {
  if (cause === "medium") return "what cannot be read is not changed";
  return "only a person can judge what that is";
}

/** Of a finding about a tag its path has the name: a tag that the tree alone has is nowhere else. */
function tagIn({ cause, path }: Finding): Tag | null {
  if (cause !== "tag") return null;
  const tag = /\/_manifests\/tags\/([^/]+)\/current\/link$/.exec(path ?? "")?.[1] ?? "";
  return isTag(tag) ? tag : null;
}

/** A repository that only the tree has. */
function repositoryIn(path: string | null): RepositoryName | null {
  if (!path?.startsWith(`${REPOSITORIES}/`)) return null;
  const name = path.slice(REPOSITORIES.length + 1);
  return isRepositoryName(name) ? name : null;
}

/** Digests that are named by a repair although no finding is about them. Pure. */
export function isBlobName(algorithm: string, hex: string): Digest | null {
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? digest : null;
}
