import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Metadata, RepositoryChanges } from "./metadata.ts";
import type { ReadReport } from "./read-tree.ts";
import type { ScanPlace, ScanReply, ScanRequest } from "./scan-messages.ts";
import type { TreeProblem } from "./tree-problem.ts";

/** What a scan has to say on its way. */
export interface ScanEvents {
  /** So many repositories were compared. */
  compared(repositories: number): void;
  /** Metadata and tree said different things; now the metadata say what the tree says. */
  changed(name: RepositoryName, changes: RepositoryChanges): void;
  problem(problem: TreeProblem): void;
  /** Differences could not be recorded (it tries again), or the scan has ended before its end. */
  failed(error: unknown): void;
}

/** The comparison of the tree with the metadata that follows every start, in the background. */
export interface TreeScanner {
  /**
   * Resolves when the metadata say of this repository what the tree says; undefined when they do. Who
   * asks for it is served first. `change`: the caller is about to change it. Rejects when what is
   * different cannot be recorded.
   */
  ready(name: RepositoryName, intent: "read" | "change"): Promise<void> | undefined;
  /**
   * The repositories that the tree had at the start, in ASCII order, as soon as that is known; null when
   * all were compared: then the metadata know better.
   */
  readonly listed: Promise<readonly RepositoryName[] | null>;
  /** Resolves when all repositories were compared; to null when it could not be done. Never rejects. */
  readonly finished: Promise<ReadReport | null>;
  close(): Promise<void>;
}

export function startTreeScan(
  place: ScanPlace,
  metadata: Pick<Metadata, "replaceRepository">,
  events: ScanEvents,
): TreeScanner {
  const worker = new Worker(new URL("./scan-worker.ts", import.meta.url).href);
  const ask = (request: ScanRequest): void => worker.postMessage(request);
  const finished = Promise.withResolvers<ReadReport | null>();
  const listed = Promise.withResolvers<readonly RepositoryName[] | null>();
  const stopped = Promise.withResolvers<void>();
  const compared = new Set<RepositoryName>(place.except);
  const waiting = { read: new Waiting(), change: new Waiting() };
  const failures = new Map<RepositoryName, unknown>();
  let over = false;

  const end = (report: ReadReport | null): void => {
    over = true;
    // A wish to stop that crossed the last message is fulfilled as well.
    stopped.resolve();
    for (const all of Object.values(waiting)) all.resolveAll();
    compared.clear();
    listed.resolve(null);
    finished.resolve(report);
  };
  /** Everything is served as it is known: what another registry did is noticed at the next start. */
  const giveUp = (reason: string): void => {
    events.failed(new Error(`the comparison with the tree has ended: ${reason}`));
    end(null);
    worker.terminate();
  };
  const record = async (message: Extract<ScanReply, { record: number }>): Promise<void> => {
    const { record: id, snapshot } = message;
    let changes: RepositoryChanges | null = null;
    try {
      changes = await metadata.replaceRepository(snapshot);
      failures.delete(snapshot.name);
      events.changed(snapshot.name, changes);
    } catch (error) {
      failures.set(snapshot.name, error);
    }
    ask({ recorded: id, changes });
  };
  let count = 0;
  const done = (name: RepositoryName, held: boolean): void => {
    if (held) compared.add(name);
    waiting.read.resolve(name);
    if (held) waiting.change.resolve(name);
    events.compared(++count);
  };

  worker.onmessage = ({ data }: MessageEvent<ScanReply>) => {
    if (data === "stopped") stopped.resolve();
    else if ("listed" in data) listed.resolve(data.listed);
    else if ("record" in data) void record(data);
    else if ("done" in data) done(data.done, data.held);
    else if ("problems" in data) for (const one of data.problems) events.problem(one);
    else if ("end" in data) {
      end(data.end);
      worker.terminate();
    } else if ("broken" in data) giveUp(data.broken);
    else {
      const error = failures.get(data.failed);
      events.failed(error);
      for (const all of Object.values(waiting)) all.reject(data.failed, error);
    }
  };
  worker.onerror = (event) => giveUp(event.message);
  ask(place);

  return {
    ready(name, intent) {
      if (over || compared.has(name)) return undefined;
      return waiting[intent].wait(name, () => ask({ first: name, hold: intent === "change" }));
    },
    get listed() {
      return over ? Promise.resolve(null) : listed.promise;
    },
    finished: finished.promise,
    async close() {
      if (over) return;
      ask("stop");
      await stopped.promise;
      // Reads are served as it is known. What would be changed, nobody has compared.
      waiting.change.rejectAll(new RegistryError("UNAVAILABLE", { reason: "it is stopping" }));
      worker.terminate();
      end(null);
    },
  };
}

/** Who waits for which repository. */
class Waiting {
  readonly #all = new Map<RepositoryName, PromiseWithResolvers<void>>();

  /** `ask` is called by the first who waits for it. */
  wait(name: RepositoryName, ask: () => void): Promise<void> {
    const known = this.#all.get(name);
    if (known) return known.promise;
    const waiting = Promise.withResolvers<void>();
    this.#all.set(name, waiting);
    ask();
    return waiting.promise;
  }

  resolve(name: RepositoryName): void {
    this.#take(name)?.resolve();
  }

  reject(name: RepositoryName, error: unknown): void {
    this.#take(name)?.reject(error);
  }

  resolveAll(): void {
    for (const name of this.#all.keys()) this.resolve(name);
  }

  rejectAll(error: unknown): void {
    for (const name of this.#all.keys()) this.reject(name, error);
  }

  #take(name: RepositoryName): PromiseWithResolvers<void> | undefined {
    const waiting = this.#all.get(name);
    this.#all.delete(name);
    return waiting;
  }
}
