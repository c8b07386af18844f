import type { RepositoryName } from "../oci/name.ts";
import type { Storage } from "../storage/storage.ts";
import { Background, inParallel } from "./in-parallel.ts";
import type { RepositorySnapshot } from "./metadata.ts";
import type { Turns } from "./turns.ts";
import { type TreeReader, weightOf } from "./read-tree.ts";
import type { ScanReply } from "./scan-messages.ts";
import { walkBlobs } from "./walk-blobs.ts";

/** Repositories that are read at the same time. */
const READING = 2;
/** What was read and waits for the writer, in rows and kilobytes: with what is being read, it bounds the memory. */
const AHEAD = 4000;
/** Between two tries to record what could not be recorded (a full disk, say). */
const RETRY_MS = 5000;

/**
 * One comparison of a whole tree: every repository once, those first that somebody waits for.
 *
 * Once is the point. The first change that a client makes to a repository comes after its reading, and
 * reaches the tree some time later: read again, the tree would seem to say that it was taken back.
 */
export class TreeScan {
  readonly #begun: Set<RepositoryName>;
  readonly #held = new Set<RepositoryName>();
  readonly #failed = new Set<RepositoryName>();
  readonly #waitedFor = new Set<Promise<void>>();
  /** In the background, and not finished. */
  readonly #reading = new Set<RepositoryName>();
  /** Somebody waits for these, while they are being read in the background. */
  readonly #hurried = new Set<RepositoryName>();
  #said = 0;

  /** `except`: these are taken for read. */
  constructor(
    readonly reader: TreeReader,
    readonly storage: Storage,
    readonly turns: Turns,
    except: ReadonlySet<RepositoryName>,
    readonly post: (reply: ScanReply) => void,
  ) {
    this.#begun = new Set(except);
  }

  async all(): Promise<void> {
    const storage = this.turns.background(this.storage);
    // Somebody may wait for the list of all; it takes a look into each repository's folder.
    const listed = await this.reader.list(this.turns.between(this.storage));
    this.post({ listed: listed.toSorted() });
    await this.#each(this.reader.names(listed, storage));
    await walkBlobs(storage, this.reader.findings);
    for (;;) {
      // Those that somebody waits for were passed over; the end is the end of these too. What is asked for
      // from here on is only what neither tree nor metadata have, or what has failed.
      await Promise.all(this.#waitedFor);
      if (this.#failed.size === 0) break;
      await Bun.sleep(RETRY_MS);
      await this.#each([...this.#failed].values());
    }
    this.#sayProblems();
    this.post({ end: this.reader.report });
  }

  /** Reads one that somebody waits for, unless that is done or under way. */
  async first(name: RepositoryName, hold: boolean): Promise<void> {
    if (hold) this.#held.add(name);
    if (this.#begun.has(name)) {
      if (this.#reading.has(name)) this.#hurried.add(name);
      return;
    }
    this.#begun.add(name);
    const reading = this.#first(name);
    this.#waitedFor.add(reading);
    await reading.finally(() => this.#waitedFor.delete(reading));
  }

  async #first(name: RepositoryName): Promise<void> {
    const { known, snapshot } = await this.turns.urgently(this.storage, async (storage) => ({
      snapshot: await this.reader.read(name, storage),
      known: await this.reader.metadata.hasRepository(name),
    }));
    // Names that only a client has made up would fill the memory.
    await this.#finish(name, snapshot, known || snapshot !== null);
  }

  async #each(
    names: AsyncGenerator<RepositoryName> | IterableIterator<RepositoryName>,
  ): Promise<void> {
    const recording = new Background(AHEAD);
    await inParallel(READING, names, async (name) => {
      if (this.#begun.has(name)) return;
      this.#begun.add(name);
      this.#reading.add(name);
      const own = this.turns.background(this.storage, () => this.#hurried.has(name));
      const snapshot = await this.reader.read(name, own);
      this.#reading.delete(name);
      this.#hurried.delete(name);
      await recording.begin(weightOf(snapshot), async () => {
        await this.#finish(name, snapshot, true);
      });
    });
    await recording.end();
  }

  async #finish(
    name: RepositoryName,
    snapshot: RepositorySnapshot | null,
    exists: boolean,
  ): Promise<void> {
    try {
      await this.reader.record(snapshot);
    } catch {
      this.#begun.delete(name);
      this.#failed.add(name);
      this.post({ failed: name });
      return;
    }
    this.#failed.delete(name);
    this.#sayProblems();
    const held = exists || this.#held.has(name);
    if (!held) this.#begun.delete(name);
    this.post({ done: name, held });
  }

  /** As they come, so that a long scan says early what it has found. */
  #sayProblems(): void {
    const problems = this.reader.findings.problems.slice(this.#said);
    this.#said += problems.length;
    if (problems.length > 0) this.post({ problems });
  }
}
