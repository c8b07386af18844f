/**
 * Follows the journal in a thread of its own: writing links blocks, and must not block requests.
 *
 * It reads the journal through its own connection; forgetting entries is left to the one writer.
 */
import { FailedSync } from "../storage/failed-sync.ts";
import { filesystemStorage } from "../storage/filesystem.ts";
import { type Followed, JournalFollower } from "./follow-journal.ts";
import { openForReading } from "./sqlite-file.ts";
import { sqliteReads } from "./sqlite-reads.ts";

export type FollowRequest = { readonly database: string; readonly folder: string } | "follow";

/** `failedSync`: the disk may have dropped what it was given, and must not be asked again. */
export type FollowReply =
  | Followed
  | "opened"
  | { readonly failure: string; readonly failedSync: boolean };

declare const self: Worker;

let follower: JournalFollower | undefined;

self.onmessage = async ({ data }: MessageEvent<FollowRequest>) => {
  let reply: FollowReply;
  try {
    reply = await answer(data);
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    reply = { failure, failedSync: error instanceof FailedSync && error.final };
  }
  self.postMessage(reply);
};

async function answer(request: FollowRequest): Promise<FollowReply> {
  if (request === "follow") {
    if (!follower) throw new Error("the tree is not open");
    return await follower.step();
  }
  const metadata = sqliteReads(openForReading(request.database));
  follower = new JournalFollower(metadata, filesystemStorage(request.folder, { blocking: true }));
  return "opened";
}
