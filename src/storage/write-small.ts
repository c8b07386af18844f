import { closeSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SmallObject } from "./storage.ts";
import { syncAll } from "./sync-filesystem.ts";

let counter = 0;

/**
 * Writes links and manifests: each to a temporary name, renamed into place, all made durable together.
 *
 * It blocks its thread on purpose. A link costs five system calls of some microseconds; handing each to
 * a pool thread would cost more than the call. Whoever must not block runs it in a worker.
 */
export function writeSmall(root: string, objects: readonly SmallObject[]): void {
  if (objects.length === 0) return;
  const files: string[] = [];
  const folders = new Set<string>();
  for (const { path, bytes } of objects) {
    const target = join(root, path);
    writeOne(target, bytes);
    files.push(target);
    for (let up = dirname(target); up.length >= root.length; up = dirname(up)) folders.add(up);
  }
  syncAll(root, files, folders);
}

function writeOne(target: string, bytes: Uint8Array): void {
  // Hidden and unlike any name of the layout: a leftover is recognised and harms no reader.
  const temporary = join(dirname(target), `.wharfinger-${process.pid}-${counter++}`);
  const descriptor = openNew(temporary);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, target);
}

function openNew(path: string): number {
  try {
    return openSync(path, "wx", 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "wx", 0o644);
  }
}
