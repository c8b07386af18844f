import type { RepositoryName } from "../oci/name.ts";
import { FailedSync } from "../storage/failed-sync.ts";
import type { Storage } from "../storage/storage.ts";
import { followTree } from "./follow-tree.ts";
import type { JournalRecord, MetadataReads } from "./metadata.ts";

/** Entries in one batch, hence in one sync of the disk; about a thousand images. */
const BATCH = 5000;

/** What one step brought into the tree, durably. */
export interface Followed {
  /** The last entry looked at; null when there was none. The journal may forget all up to it … */
  readonly last: number | null;
  /** … but for those of these repositories, whose folders cannot be written. */
  readonly stuck: readonly { readonly name: RepositoryName; readonly reason: string }[];
  /** Whether the journal has entries behind the last. */
  readonly more: boolean;
}

/**
 * Brings the journal into the tree, batch by batch.
 *
 * A folder that cannot be written (another owner, a file in its place) holds up its own repository, in
 * the order of its entries, and no other. What the whole disk refuses is thrown; then nothing of the
 * batch may be forgotten, and the next call begins anew.
 */
export class JournalFollower {
  /** After a start and after a failure, what the tree shows may be in memory only. */
  #doubtful = true;
  #after = 0;
  readonly #stuck = new Map<RepositoryName, string>();

  constructor(
    readonly metadata: Pick<MetadataReads, "readJournal" | "findManifest" | "readContent">,
    readonly storage: Storage,
  ) {}

  /** Follows the entries behind those of the last step. When none are left the next step begins anew. */
  async step(): Promise<Followed> {
    const began = this.#after;
    this.#after = 0;
    const records = await this.metadata.readJournal(BATCH, began);
    const last = records.at(-1)?.id ?? null;
    const more = records.length === BATCH;
    const waiting = records.filter(({ entry }) => this.#stuck.has(entry.name));
    const free = records.filter(({ entry }) => !this.#stuck.has(entry.name));
    try {
      await this.#follow(free);
    } catch (error) {
      if (!isOfOneFolder(error)) throw error;
      await this.#followEach(free);
    }
    // Later entries of a stuck repository build on its first ones: those are tried first, or none.
    if (began === 0) await this.#followEach(waiting);
    if (more && last !== null) this.#after = last;
    return { last, more, stuck: [...this.#stuck].map(([name, reason]) => ({ name, reason })) };
  }

  /** Repository by repository; notes which are stuck. */
  async #followEach(records: readonly JournalRecord[]): Promise<void> {
    for (const [name, own] of Map.groupBy(records, ({ entry }) => entry.name)) {
      try {
        await this.#follow(own);
        this.#stuck.delete(name);
      } catch (error) {
        if (!isOfOneFolder(error)) throw error;
        this.#stuck.set(name, (error as Error).message);
      }
    }
  }

  async #follow(records: readonly JournalRecord[]): Promise<void> {
    if (records.length === 0) return;
    const trusting = !this.#doubtful;
    this.#doubtful = true;
    await followTree(records, this.metadata, this.storage, { trusting });
    this.#doubtful = false;
  }
}

/** Errors of the disk as a whole, or of the process. */
const OF_ALL = new Set(["ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "ENFILE", "ENOMEM"]);

function isOfOneFolder(error: unknown): boolean {
  if (error instanceof FailedSync) return false;
  const { code } = error as { code?: unknown };
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) && !OF_ALL.has(code);
}
