import { closeSync, fsyncSync, openSync, readFileSync, rmSync } from "node:fs";
import { RegistryError } from "../oci/errors.ts";
import { writeWhole } from "./write-whole.ts";
import { type RepositoryName, isRepositoryName } from "../oci/name.ts";

/** Which repositories of a plan are done, in a file beside it, so that a run after an interruption passes over them. */
export interface ProgressFile {
  readonly before: ReadonlySet<RepositoryName>;
  /** Durable when it returns. */
  finished(name: RepositoryName): void;
  close(): void;
  /** All of the plan is done: the file has done its part. */
  remove(): void;
}

/**
 * Opens the progress of this plan; that of another one is begun anew. It only saves work: without it, or
 * with a line that a crash has cut off, the same plan finds that what it would remove is gone.
 */
export function openProgress(path: string, plan: string): ProgressFile {
  const before = readProgress(path, plan);
  const file = trying(path, () => openSync(path, before ? "a" : "w", 0o600));
  const append = (line: string): void => {
    trying(path, () => {
      writeWhole(file, line);
      fsyncSync(file);
    });
  };
  if (!before) append(`${plan}\n`);
  return {
    before: before ?? new Set(),
    finished: (name) => append(`${name}\n`),
    close: () => closeSync(file),
    remove: () => trying(path, () => rmSync(path, { force: true })),
  };
}

/** Null: there is none of this plan. */
function readProgress(path: string, plan: string): Set<RepositoryName> | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return null;
  }
  // A line that was cut off may be the beginning of a longer name.
  if (!text.endsWith("\n")) return null;
  const [first, ...lines] = text.split("\n");
  return first === plan ? new Set(lines.filter(isRepositoryName)) : null;
}

function trying<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new RegistryError("AUDIT_FAILED", { reason: `${path}: ${code ?? message}` });
  }
}
