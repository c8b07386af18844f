/**
 * Follows the journal in a thread of its own: writing links blocks, and must not block requests.
 *
 * It reads the journal through its own connection; forgetting entries is left to the one writer.
 */
import { filesystemStorage } from "../storage/filesystem.ts";
import type { Storage } from "../storage/storage.ts";
import { followTree } from "./follow-tree.ts";
import type { MetadataReads } from "./metadata.ts";
import { openForReading } from "./sqlite-file.ts";
import { sqliteReads } from "./sqlite-reads.ts";

/** Entries in one batch, hence in one sync of the disk; about a thousand images. */
const BATCH = 5000;

export type FollowRequest = { readonly database: string; readonly folder: string } | "follow";

/** `followed`: the last entry that the tree has now, durably; null when there was none. */
export type FollowReply =
  | { readonly followed: number | null; readonly more: boolean }
  | { readonly failure: string };

declare const self: Worker;

let metadata: MetadataReads | undefined;
let storage: Storage | undefined;
/** Since a batch failed, what the tree shows may be in memory only. */
let doubtful = false;

self.onmessage = async ({ data }: MessageEvent<FollowRequest>) => {
  let reply: FollowReply;
  try {
    reply = await answer(data);
  } catch (error) {
    reply = { failure: error instanceof Error ? error.message : String(error) };
  }
  self.postMessage(reply);
};

async function answer(request: FollowRequest): Promise<FollowReply> {
  if (request !== "follow") {
    metadata = sqliteReads(openForReading(request.database));
    storage = filesystemStorage(request.folder, { blocking: true });
    return { followed: null, more: false };
  }
  if (!metadata || !storage) throw new Error("the tree is not open");
  const records = await metadata.readJournal(BATCH);
  const last = records.at(-1);
  const trusting = !doubtful;
  doubtful = true;
  if (last) await followTree(records, metadata, storage, { trusting });
  doubtful = false;
  return { followed: last?.id ?? null, more: records.length === BATCH };
}
