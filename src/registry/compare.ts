import type { Metadata, RepositoryChanges } from "../metadata/metadata.ts";
import type { ReadReport } from "../metadata/read-tree.ts";
import { type TreeScanner, startTreeScan } from "../metadata/tree-scanner.ts";
import type { RepositoryName } from "../oci/name.ts";

/** What the one who opens a registry wants to hear of its tree. */
export interface TreeEvents {
  /** The tree is being read: how many repositories so far. */
  reading(repositories: number): void;
  read(report: ReadReport): void;
  info(facts: Readonly<Record<string, unknown>>, message: string): void;
  /** Something is not as it should be, and the registry goes on. */
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
}

/** Set when the whole tree has been read once, without a failure of the disk. */
export const TREE_READ = "tree-read";

/** So many removed or moved things a log line names; the numbers count all. */
const NAMED = 100;

/**
 * Compares the tree with the metadata in the background, after every start: what another registry, a
 * restored backup or a person changed in it while we were down is taken up, and said.
 *
 * What the metadata have and the tree lacks was removed by them, because it was in the tree: whatever
 * is not there yet stands in the journal, which is settled before. Where it could not be settled, the
 * repositories that it names are not compared.
 */
export async function compareTree(
  place: { readonly database: string; readonly folder: string; readonly now: number },
  metadata: Metadata,
  events: TreeEvents,
): Promise<TreeScanner> {
  const known = (await metadata.getSetting(TREE_READ)) !== null;
  const except = await unsettled(metadata);
  if (except.size > 0) {
    events.warn(
      { repositories: [...except].slice(0, NAMED) },
      "the tree has not followed the last changes of these; what another program did to them meanwhile is noticed at the next start",
    );
  }
  let said = "";
  const scan = startTreeScan({ ...place, except }, metadata, {
    compared: (repositories) => events.reading(repositories),
    changed(name, changes) {
      const removed = isLoss(changes);
      // The first time everything is new, and the end counts it.
      if (!known && !removed) return;
      const facts = { repository: name, ...inWords(changes) };
      if (removed) {
        events.warn(
          facts,
          "another program has changed the tree: what it moved or removed is so here too",
        );
      } else if (isGain(changes)) {
        events.info(facts, "another program has added to the tree: it is served");
      }
    },
    problem: ({ problem, ...where }) => events.warn(where, problem),
    failed(error) {
      // Once for each reason: it is tried every few seconds.
      if (said === String(error)) return;
      said = String(error);
      events.warn({ err: error }, "the tree cannot be compared with what is known; trying again");
    },
  });
  void scan.finished
    .then(async (report) => {
      if (!report) return;
      if (!known) events.read(report);
      else {
        const { repositories, changed, problems } = report;
        const facts = { repositories, changed, problems: problems.length };
        events.info(facts, "the tree was compared with what is known of it");
      }
      // Where the disk failed, something may be there that we have never seen.
      if (!known && report.unread.length === 0) {
        await metadata.setSetting(TREE_READ, new Date(place.now).toISOString());
      }
    })
    .catch((error: unknown) =>
      events.warn({ err: error }, "the first reading of the tree could not be recorded"),
    );
  return scan;
}

/** Repositories of which the tree may lack what was changed in an earlier life: it must not be believed. */
export async function unsettled(
  metadata: Pick<Metadata, "readJournal">,
): Promise<Set<RepositoryName>> {
  const records = await metadata.readJournal(Number.MAX_SAFE_INTEGER);
  return new Set(records.map(({ entry }) => entry.name));
}

function isLoss({ blobs, manifests, tags }: RepositoryChanges): boolean {
  return blobs.removed + manifests.removed.length + tags.removed.length + tags.moved.length > 0;
}

function isGain({ blobs, manifests, tags }: RepositoryChanges): boolean {
  return blobs.added + manifests.added + tags.added > 0;
}

/** Only what there is, for one log line. */
function inWords({ blobs, manifests, tags }: RepositoryChanges): Record<string, unknown> {
  const facts: Record<string, unknown> = {
    tagsAdded: tags.added,
    tagsMoved: tags.moved.length,
    tagsRemoved: tags.removed.length,
    manifestsAdded: manifests.added,
    manifestsRemoved: manifests.removed.length,
    blobsAdded: blobs.added,
    blobsRemoved: blobs.removed,
    moved: tags.moved.slice(0, NAMED).map(({ tag, from, to }) => `${tag}: ${from} to ${to}`),
    removedTags: tags.removed.slice(0, NAMED).map(({ tag, digest }) => `${tag}: ${digest}`),
    removedManifests: manifests.removed.slice(0, NAMED),
  };
  const isSomething = (value: unknown): boolean =>
    Array.isArray(value) ? value.length > 0 : value !== 0;
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => isSomething(value)));
}
