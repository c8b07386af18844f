import { mkdirSync, renameSync, rmSync, rmdirSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { isCode } from "./folders.ts";

/**
 * One step of removing. Absent is fine for each: a run that was cut off is repeated.
 *
 * `folder`: only when nothing is in it. `all`: a folder with all that is in it. `move`: a file; what was at
 * its new name is replaced, and the folder there must be.
 */
export type Step =
  | { readonly file: string }
  | { readonly folder: string }
  | { readonly all: string }
  | { readonly move: string; readonly to: string };

/** Steps that are done in their order, each only when those before it have not failed. Paths as in `tree.ts`. */
export type Job = readonly Step[];

export interface FailedStep {
  readonly path: string;
  readonly problem: string;
}

/** What came of jobs. `left`: folders that were not empty. */
export interface Removed {
  readonly failed: readonly FailedStep[];
  readonly left: readonly string[];
}

/** Does one job after the other, and blocks its thread. */
export function doJobs(root: string, jobs: readonly Job[]): Removed {
  const failed: FailedStep[] = [];
  const left: string[] = [];
  for (const job of jobs) {
    for (const step of job) {
      try {
        if (!doStep(root, step)) left.push((step as { folder: string }).folder);
      } catch (error) {
        failed.push({ path: pathOf(step), problem: (error as Error).message });
        break;
      }
    }
  }
  return { failed, left };
}

/** False: the folder is not empty. */
function doStep(root: string, step: Step): boolean {
  try {
    if ("file" in step) unlinkSync(`${root}/${step.file}`);
    else if ("all" in step) rmSync(`${root}/${step.all}`, { recursive: true, force: true });
    else if ("move" in step) renameSync(`${root}/${step.move}`, `${root}/${step.to}`);
    else rmdirSync(`${root}/${step.folder}`);
  } catch (error) {
    if (isCode(error, "ENOENT")) return true;
    const occupied = isCode(error, "ENOTEMPTY") || isCode(error, "EEXIST");
    // A link to a folder elsewhere stays: somebody made it on purpose.
    if ("folder" in step && (occupied || isCode(error, "ENOTDIR"))) return false;
    throw error;
  }
  return true;
}

function pathOf(step: Step): string {
  if ("file" in step) return step.file;
  if ("all" in step) return step.all;
  return "move" in step ? step.move : step.folder;
}

export interface RemovalRequest {
  readonly root: string;
  readonly jobs: readonly Job[];
}

/** Makes a folder with those above it; present is fine. */
export function makeFolders(root: string, path: string): void {
  mkdirSync(`${root}/${path}`, { recursive: true });
}

/** Moves a file back to where it was; false: it is not there. */
export function moveBack(root: string, from: string, to: string): boolean {
  mkdirSync(dirname(`${root}/${to}`), { recursive: true });
  try {
    renameSync(`${root}/${from}`, `${root}/${to}`);
    return true;
  } catch (error) {
    if (isCode(error, "ENOENT")) return false;
    throw error;
  }
}
