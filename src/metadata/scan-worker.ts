/**
 * Compares the tree with the metadata after a start, in a thread of its own: it looks at every link, and
 * no request shall wait for all of that. What is different goes to the one writer by way of the main
 * thread.
 */
import { filesystemStorage } from "../storage/filesystem.ts";
import type { RepositoryChanges, RepositorySnapshot } from "./metadata.ts";
import { Turns } from "./turns.ts";
import { TreeReader } from "./read-tree.ts";
import { TreeScan } from "./scan.ts";
import type { ScanPlace, ScanReply, ScanRequest } from "./scan-messages.ts";
import { openForReading } from "./sqlite-file.ts";
import { sqliteReads } from "./sqlite-reads.ts";

declare const self: Worker;

const turns = new Turns();
const recording = new Map<number, (changes: RepositoryChanges | null) => void>();
let records = 0;
let scan: TreeScan | undefined;

function post(reply: ScanReply): void {
  self.postMessage(reply);
}

function broken(error: unknown): void {
  post({ broken: error instanceof Error ? error.message : String(error) });
}

self.onmessage = ({ data }: MessageEvent<ScanRequest>) => {
  if (data === "stop") {
    turns.stop();
    post("stopped");
  } else if ("first" in data) scan?.first(data.first, data.hold).catch(broken);
  else if ("recorded" in data) {
    recording.get(data.recorded)?.(data.changes);
    recording.delete(data.recorded);
  } else {
    scan = open(data);
    scan.all().catch(broken);
  }
};

function open({ database, folder, now, except }: ScanPlace): TreeScan {
  const reads = sqliteReads(openForReading(database));
  const reader = new TreeReader({ ...reads, replaceRepository: record }, now);
  return new TreeScan(reader, filesystemStorage(folder, { blocking: true }), turns, except, post);
}

/** Asks the main thread to record what is different. */
async function record(snapshot: RepositorySnapshot): Promise<RepositoryChanges> {
  const id = records++;
  const changes = await new Promise<RepositoryChanges | null>((resolve) => {
    recording.set(id, resolve);
    post({ record: id, snapshot });
  });
  if (!changes) throw new Error(`${snapshot.name} could not be recorded`);
  return changes;
}
