import { readFileSync } from "node:fs";
import type { TrashRecord } from "../../metadata/collection.ts";
import type { Metadata } from "../../metadata/metadata.ts";
import { filesystemStorage } from "../../storage/filesystem.ts";
import type { TreeFiles } from "../../storage/tree-files.ts";
import { type RunningRegistry, runningRegistries } from "../running-registries.ts";
import { lookAtTree } from "../tree-look.ts";
import { putBack } from "../tree-put-back.ts";
import { recoverTrash } from "../tree-recover.ts";
import { type Purged, purgeOldest } from "./purge.ts";

/** How long things stay in the trash of another registry's folder: what `trash.keepFor` is without a configuration. */
const KEPT_FOR = 24 * 3_600_000;

/** Each look may find what the last one has brought back to need. */
const MOST_LOOKS = 10;

/** Keeps all that there is: what anything in the tree names is needed. */
const NOTHING_GOES = {
  now: 0,
  seenBefore: 0,
  remainsBefore: 0,
  untaggedBefore: null,
  protectedDigests: [],
  waitingUntil: null,
  removeEmpty: false,
};

/**
 * Puts back whatever the trash has of what the tree of another registry needs: since it was removed, somebody
 * may have pushed what names it. To be done before anything in that trash is freed.
 */
export async function putBackNeeded(files: TreeFiles, metadata: Metadata): Promise<void> {
  await recoverTrash(metadata, files, Date.now());
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const { missing } = await lookAtTree(files, NOTHING_GOES, { findMissing: true });
    const { blobs, links } = await putBack(missing, files, metadata, { has: () => null });
    if (blobs + links === 0) return;
  }
}

/** What of a trash was freed, and why what is old enough stays if it does. */
export interface FreedOld extends Purged {
  readonly held: string | null;
}

/**
 * Frees what is old in the trash of another registry's folder, which is locked, and in which all that is needed
 * was put back just now. `written`: when anything in the tree was written last, UTC milliseconds.
 *
 * A registry that remembers blobs takes a push without their bytes as long as it runs. So what was removed while
 * it ran stays until it was restarted. Where nobody is seen to run, but somebody has written since, it may be
 * such a registry on another machine, or in a container: then it stays until a person says that it may go.
 */
export async function freeOld(
  files: TreeFiles,
  rows: Metadata,
  { now, written }: { readonly now: number; readonly written: number },
  running: readonly (RunningRegistry & { readonly startedAt: number | null })[] = runningSince(
    files.root,
  ),
): Promise<FreedOld> {
  const caching = running.filter(({ caches }) => caches);
  const restarted = Math.min(...caching.map(({ startedAt }) => startedAt ?? 0));
  let held = "";
  const mayGo = ({ removedAt }: Pick<TrashRecord, "removedAt">): boolean => {
    if (removedAt > now - KEPT_FOR) return false;
    if (removedAt >= restarted - DOUBT_MS) {
      held = `the registry that runs here (process ${caching[0]?.pid}) remembers blobs: restart it`;
    } else if (running.length === 0 && written > removedAt + DOUBT_MS) {
      held =
        "somebody has written to this folder since; once that registry was stopped or restarted, `wharf trash empty` frees it";
    }
    return held === "";
  };
  const trash = { rows, storage: filesystemStorage(files.root) };
  return { ...(await purgeOldest(trash, { isDue: mayGo })), held: held || null };
}

/** Times of processes and of files are not known more exactly than this. */
const DOUBT_MS = 60_000;

function runningSince(folder: string) {
  return runningRegistries(folder).map((one) => ({ ...one, startedAt: startOf(one.pid) }));
}

/** When a process was started, UTC milliseconds; null when the system does not say. @see proc(5) */
export function startOf(pid: number, proc = "/proc"): number | null {
  try {
    const [, booted = ""] = /^btime (\d+)$/m.exec(readFileSync(`${proc}/stat`, "utf8")) ?? [];
    const text = readFileSync(`${proc}/${pid}/stat`, "utf8");
    // The name of the program, in parentheses, may have spaces and more of those.
    const ticks = text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "";
    const at = Number(booted) * 1000 + Number(ticks) * TICK_MS;
    return booted !== "" && /^\d+$/.test(ticks) ? at : null;
  } catch {
    return null;
  }
}

/** Linux says such times in hundredths of a second, on every machine. */
const TICK_MS = 10;
