import { TreeReader } from "../inventory/from-tree.ts";
import { SharedList } from "../inventory/shared-list.ts";
import { treeFiles } from "../storage/tree-files.ts";
import type { LookAnswer, LookMessage, LookRequest } from "./look-messages.ts";
import { lookAtRepositories } from "./look-part.ts";

/** The second thread of a look: see `look-helper.ts`. */

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<LookMessage>) => {
  if (data.kind === "blobs") self.postMessage(readBlobs(data.request));
  else void look(data.request).then((answer) => self.postMessage(answer));
};

function readBlobs({ root, items, memory }: LookRequest["blobs"]): LookAnswer["blobs"] {
  const reader = new TreeReader(treeFiles(root));
  for (const folder of new SharedList(items, memory)) reader.readBlobsIn(folder);
  return { table: reader.blobs.memory, findings: reader.findings };
}

async function look({
  root,
  items,
  memory,
  known,
  policy,
  findMissing,
}: LookRequest["repositories"]): Promise<LookAnswer["repositories"]> {
  const reader = new TreeReader(treeFiles(root), Date.now, known);
  const names = new SharedList(items, memory);
  const part = await lookAtRepositories(reader, names, policy, { findMissing });
  return { part, findings: reader.findings };
}
