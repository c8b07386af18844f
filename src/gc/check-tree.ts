import { inParallel } from "../metadata/in-parallel.ts";
import { Kept, LOOKS, foldersIn, followLinks, lookUpLink } from "../metadata/read-links.ts";
import { Unreadable } from "../metadata/tree-problem.ts";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { isTag } from "../oci/reference.ts";
import {
  blobPath,
  digestOfLink,
  layerLink,
  layersPath,
  revisionLink,
  revisionsPath,
  tagCurrentLink,
  tagPath,
  tagsPath,
} from "../storage/tree.ts";
import type { Checkable, Known } from "./checkable.ts";
import type { Damage, Finding } from "./finding.ts";

type Add = (kind: Finding["kind"], digest: Digest | null, damage: Damage) => void;

/** What the repository's links say, against what the metadata says. */
export async function compareTree(
  name: RepositoryName,
  known: Known,
  what: Checkable,
  add: Add,
  findings: Finding[],
): Promise<void> {
  const remark = (path: string, problem: string | Unreadable): void => {
    // Here nothing is taken from the tree: what cannot be read is the finding.
    if (problem instanceof Unreadable) throw problem.error;
    const digest = digestOfLink(path);
    add("tree", digest, { cause: digest ? "torn" : "other", path, problem });
  };
  const mention = (): void => undefined;
  const { storage } = what;

  const compareLinks = async (
    folder: string,
    linkOf: (digest: Digest) => string,
    expected: Iterable<Digest>,
  ): Promise<void> => {
    const unseen = new Set(expected);
    await followLinks(storage, folder, new Kept(), { remark, mention }, async (digest) => {
      if (unseen.delete(digest)) return;
      const path = linkOf(digest);
      const bytes = await storage.stat(blobPath(digest));
      if (!bytes) {
        const problem = "it links bytes that are missing";
        return add("unused", digest, { cause: "dead-link", path, problem });
      }
      const problem = "the metadata does not know this link";
      add("tree", digest, { cause: "stranger", path, problem });
    });
    for (const digest of unseen) {
      const problem = "the tree lacks this link";
      add("tree", digest, { cause: "link", path: linkOf(digest), problem });
    }
  };
  await compareLinks(layersPath(name), (digest) => layerLink(name, digest), known.blobs.keys());
  await compareLinks(revisionsPath(name), (digest) => revisionLink(name, digest), known.manifests);

  const unseen = new Map(known.tags);
  await inParallel(LOOKS, foldersIn(storage, tagsPath(name), remark), async (tag) => {
    if (!isTag(tag)) return remark(`${tagsPath(name)}/${tag}`, "its name is not a valid tag");
    const path = tagCurrentLink(name, tag);
    const expected = unseen.get(tag);
    unseen.delete(tag);
    const link = await lookUpLink(storage, path, tagPath(name, tag));
    if (link?.digest && link.digest === expected) return;
    const problem = describe(link?.digest, link !== null, expected);
    // Only the tree knows this image, and a pull of it finds nothing.
    const lost = expected === undefined && link !== null;
    findings.push({
      kind: lost ? "broken" : "tree",
      cause: "tag",
      repository: name,
      images: [`${name}:${tag}`],
      digest: link?.digest ?? expected ?? null,
      path,
      problem,
    });
  });
  for (const [tag, digest] of unseen) {
    const path = tagCurrentLink(name, tag);
    const images = [`${name}:${tag}`];
    const problem = "the tree lacks this tag";
    findings.push({
      kind: "tree",
      cause: "tag",
      repository: name,
      images,
      digest,
      path,
      problem,
    });
  }
}

function describe(
  found: Digest | null | undefined,
  there: boolean,
  expected: Digest | undefined,
): string {
  if (!there) return "the tag has no current link";
  if (!found) return "the tag's link is empty or torn";
  if (expected === undefined) return `the tag names ${found}, and the metadata does not know it`;
  return `the tag names ${found}, in the metadata ${expected}`;
}
