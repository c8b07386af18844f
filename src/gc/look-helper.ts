import type { TreeReader } from "../inventory/from-tree.ts";
import { SharedList } from "../inventory/shared-list.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { LookAnswer, LookMessage } from "./look-messages.ts";
import {
  type LookOptions,
  type LookPart,
  type TreePolicy,
  lookAtRepositories,
} from "./look-part.ts";

/** Folders of blobs from which on a second thread is worth its start: some hundred blobs have as many. */
const LARGE = 200;

/**
 * A second thread for a look at a large tree. A look is system calls, one after the other, and two threads
 * need half the time for them: both take from one list whatever is next.
 */
export class LookHelper implements Disposable {
  #worker: Worker | null = null;

  constructor(readonly root: string) {}

  /** Reads all blobs into the reader. */
  async readBlobs(reader: TreeReader): Promise<void> {
    const { root } = this;
    const folders = new SharedList(reader.blobFolders());
    const { items, memory } = folders;
    if (items.length >= LARGE) this.#worker = startWorker();
    const other = this.#worker
      ? ask(this.#worker, { kind: "blobs", request: { root, items, memory } })
      : null;
    for (const folder of folders) reader.readBlobsIn(folder);
    if (!other) return;
    const { table, findings } = await other;
    reader.blobs.addAll(table);
    reader.addFindings(findings);
  }

  /** Looks at all repositories. What is found comes in the order of names, whoever has found it. */
  async look(reader: TreeReader, policy: TreePolicy, options: LookOptions): Promise<LookPart> {
    const { root } = this;
    const names = new SharedList([...reader.names()]);
    const { items, memory } = names;
    const { findMissing = false, overlay, onRepository } = options;
    // What the metadata knows is only known here.
    const other =
      this.#worker && !overlay
        ? ask(this.#worker, {
            kind: "repositories",
            request: { root, items, memory, known: reader.known, policy, findMissing },
          })
        : null;
    const own = await lookAtRepositories(reader, names, policy, {
      ...options,
      onRepository: () => onRepository?.(names.taken),
    });
    if (!other) return own;
    const { part, findings } = await other;
    reader.addFindings(findings);
    return joined(own, part, items);
  }

  [Symbol.dispose](): void {
    this.#worker?.terminate();
  }
}

function startWorker(): Worker {
  return new Worker(new URL("./look-worker.ts", import.meta.url).href, { smol: true });
}

async function ask<Kind extends keyof LookAnswer>(
  worker: Worker,
  message: LookMessage & { readonly kind: Kind },
): Promise<LookAnswer[Kind]> {
  return await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<LookAnswer[Kind]>) => resolve(data);
    worker.onerror = ({ message: what }) => reject(new Error(`a thread has ended: ${what}`));
    worker.postMessage(message);
  });
}

function joined(one: LookPart, other: LookPart, names: readonly RepositoryName[]): LookPart {
  const places = new Map(names.map((name, place) => [name, place]));
  const place = ({ name }: { readonly name: RepositoryName }): number => places.get(name) ?? 0;
  const { sums } = one;
  for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += other.sums[key];
  return {
    drafts: [...one.drafts, ...other.drafts].toSorted((a, b) => place(a) - place(b)),
    missing: [...one.missing, ...other.missing],
    sums,
    newest: Math.max(one.newest, other.newest),
  };
}
