import { printable } from "../client/http/printable.ts";
import type { FolderPlan } from "../gc/collect-folder.ts";
import type { FreedOld } from "../gc/trash/free-folder.ts";
import type { TreeOutcome } from "../gc/tree-collection.ts";
import type { RepositoryLook } from "../gc/tree-look.ts";
import type { GcTotals } from "../plan/gc-plan.ts";
import { type GcRow, MANIFEST_REASONS, WHY, gcTable } from "./gc-table.ts";
import { counted, humanSize } from "./units.ts";

/** Of one that is seen nothing is freed at once; of one that is not, nobody knows. */
const UNSEEN =
  "--purge frees the bytes for good. A registry that runs on this folder where it cannot be seen from here " +
  "(another machine, another container) may take pushes that need them, and serve broken images: stop it first.";

/** The plan of a folder for people. Pure. */
export function planLines(
  folder: string,
  { look, totals, running }: FolderPlan,
  purge = false,
): string[] {
  const going = look.repositories.filter(({ keptWhole }) => keptWhole === null);
  const { blobs, bytes } = totals.orphans;
  return [
    ...gcTable(`To remove from ${folder}:`, going.map(rowOf)),
    ...(blobs === 0
      ? []
      : [`${counted(blobs, "blob")} that no repository has: ${humanSize(bytes)}`]),
    ...keptLines(totals),
    ...(look.blobsStay === null
      ? []
      : [
          `No blob is removed, because it could not be read what is needed: ${printable(look.blobsStay)}`,
        ]),
    ...(purge && totals.blobs.garbage > 0 ? [UNSEEN] : []),
    ...running.map(
      ({ pid }) =>
        `A registry runs on this folder (process ${pid}): what it needs meanwhile comes back.`,
    ),
    summary(totals),
  ];
}

/** What stays because its owner has not been asked. Pure. */
export function waitingLines(folder: string, { waiting }: FolderPlan): string[] {
  if (!waiting) return [];
  const { manifests, blobs, bytes } = waiting;
  return [
    `${humanSize(bytes)} of garbage (${counted(manifests, "manifest")}, ${counted(blobs, "blob")}) wait for their owner's yes: ` +
      `\`wharf gc ${folder}\` shows what would go, and asks`,
  ];
}

/** The repositories of which nothing goes, and why. Pure. */
export function keptLines({ keptRepositories }: GcTotals): string[] {
  if (keptRepositories.length === 0) return [];
  const lines = keptRepositories.map(
    ({ repository, reason }) => `  ${repository}: ${printable(reason)}`,
  );
  return ["Kept whole, because not all of it could be understood:", ...lines];
}

function rowOf(look: RepositoryLook): GcRow {
  const { name: repository, manifests, links, bytes } = look;
  return {
    repository,
    manifests: Object.values(manifests).reduce((sum, count) => sum + count, 0),
    links: links.unneeded + links.bytesMissing,
    bytes,
    why: reasons(look),
  };
}

function reasons({ manifests, links, leftovers, removed }: RepositoryLook): string[] {
  const many = (count: number, one: string, several: string): string[] =>
    count === 0 ? [] : [`${count} ${count === 1 ? one : several}`];
  const told = [
    ...MANIFEST_REASONS.flatMap((reason) => many(manifests[reason], WHY[reason], WHY[reason])),
    ...many(links.bytesMissing, "link without bytes", "links without bytes"),
    ...many(leftovers.history, "old name of a tag", "old names of tags"),
    ...many(leftovers.uploads, "stale upload", "stale uploads"),
    ...many(leftovers.temporary, "leftover file", "leftover files"),
    ...many(leftovers.emptyFolders, "empty folder", "empty folders"),
  ];
  return removed ? [...told, "nothing is left of it"] : told;
}

/** One line of counts. Pure. */
export function summary({ manifests, links, blobs, bytes }: GcTotals): string {
  const gone = [
    counted(manifests.garbage, "manifest"),
    counted(links.garbage, "layer link"),
    `${counted(blobs.garbage, "blob")} (${humanSize(bytes.garbage)})`,
  ].join(", ");
  const stay = `${counted(manifests.live, "manifest")} and ${counted(blobs.live, "blob")} (${humanSize(bytes.live)}) stay`;
  const trash = bytes.trash > 0 ? `; ${humanSize(bytes.trash)} are in the trash already` : "";
  return `${gone} can go; ${stay}${trash}`;
}

/** Whether a plan changes anything at all. Pure. */
export function isNothing({ look, totals }: FolderPlan): boolean {
  const going = look.repositories.some(({ keptWhole }) => keptWhole === null);
  return !going && totals.blobs.garbage === 0 && look.reader.hollow.length === 0;
}

/** What is asked after the plan was shown. Pure. */
export function question(
  { totals: { manifests, blobs, bytes } }: FolderPlan,
  purge: boolean,
): string {
  const what = `${counted(manifests.garbage, "manifest")} and ${counted(blobs.garbage, "blob")} (${humanSize(bytes.garbage)})`;
  return purge ? `Delete ${what} for good? [y/N] ` : `Move ${what} to the trash? [y/N] `;
}

/** What became of the oldest things in the trash, for people. Pure. */
export function freedLines(freed: FreedOld | null): string[] {
  if (!freed) return [];
  const { entries, bytes, held } = freed;
  return [
    ...(entries > 0
      ? [
          `freed for good what was old in the trash: ${humanSize(bytes)} in ${counted(entries, "entry")}`,
        ]
      : []),
    ...(held === null ? [] : [`what is old in the trash stays: ${held}`]),
  ];
}

/** What was done, for people. Pure. */
export function outcomeLines(outcome: TreeOutcome, plan: FolderPlan, purge: boolean): string[] {
  const { manifests, links, blobs, bytes, repositories, putBack, written, failures } = outcome;
  const what = [
    counted(manifests, "manifest"),
    counted(links, "layer link"),
    `${counted(blobs, "blob")} (${humanSize(bytes)})`,
    ...(repositories > 0 ? [counted(repositories, "repository")] : []),
  ].join(", ");
  const caching = plan.running.filter(({ caches }) => caches);
  const unseen = !plan.ours && plan.running.length === 0 && blobs > 0;
  return [
    ...(unseen
      ? [
          "no registry is seen to run on this folder; restart one that serves it from another container or machine now: " +
            "it may remember blobs that are gone",
        ]
      : []),
    manifests + links + blobs + repositories === 0
      ? "nothing was removed"
      : `${purge ? "deleted" : "moved to the trash:"} ${what}`,
    ...(putBack.blobs + putBack.links === 0
      ? []
      : [
          `put back, because somebody needs them: ${counted(putBack.blobs, "blob")}, ${counted(putBack.links, "link")}`,
        ]),
    ...(written ? ["another program has written to this folder meanwhile"] : []),
    ...caching.map(
      ({ pid }) =>
        `the registry that runs on this folder (process ${pid}) remembers blobs that are gone: restart it; ` +
        "what is pushed before that and needs them comes back with the next wharf gc",
    ),
    ...failures
      .slice(0, 20)
      .map(({ path, problem }) => `could not be removed: ${printable(path)}: ${problem}`),
    ...(failures.length > 20 ? [`and ${failures.length - 20} more could not be removed`] : []),
  ];
}

/** The last line of `--json`. Pure. */
export function gcDocument(totals: GcTotals, trash: number, seconds: number): string {
  const { manifests, blobs, bytes, keptRepositories } = totals;
  return JSON.stringify({
    schemaVersion: 1,
    manifests,
    blobs,
    bytes: { ...bytes, trash },
    keptRepositories,
    seconds: Math.round(seconds * 1000) / 1000,
  });
}
