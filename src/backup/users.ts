import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { link, mkdir, open, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isCode } from "../storage/folders.ts";
import { syncPath } from "../storage/sync-filesystem.ts";
import { readEntries } from "./entries.ts";
import { placeOf } from "./place.ts";
import { userPath } from "./set.ts";

/** Bytes; larger ones are none. */
const LARGEST = 64 * 1024 * 1024;

/**
 * Puts users, tokens and key of a backup into a data folder, each only where there is none: users that
 * are there may have other passwords by now. Returns a line for each.
 */
export async function restoreUsers(source: string, data: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const { path, body, size } of readEntries(source)) {
    const place = placeOf(path);
    if (place.is !== "user" || size > LARGEST) continue;
    const to = resolve(data, userPath(place.file));
    const isNew = !existsSync(to) && (await writeNew(to, body));
    lines.push(isNew ? `restored ${to}` : `kept ${to}, which is there already`);
  }
  return lines.length > 0 ? lines : ["the backup has no users and no tokens"];
}

/** False when somebody was faster. */
async function writeNew(path: string, body: AsyncIterable<Uint8Array>): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.restore-${randomBytes(4).toString("hex")}`;
  const file = await open(partial, "wx", 0o600);
  try {
    for await (const chunk of body) await file.writeFile(chunk);
    await file.sync();
    // A link, not a rename: it replaces nothing.
    await link(partial, path);
    return true;
  } catch (error) {
    if (isCode(error, "EEXIST")) return false;
    throw error;
  } finally {
    await file.close();
    await rm(partial, { force: true });
    syncPath(dirname(path));
  }
}
