import { cached } from "../../../src/metadata/cached.ts";
import { JournalFollower } from "../../../src/metadata/follow-journal.ts";
import type { Metadata } from "../../../src/metadata/metadata.ts";
import { Custody } from "../../../src/registry/custody.ts";
import { guardedMetadata, guardedStorage } from "../../../src/registry/guarded.ts";
import { readTree } from "../../../src/metadata/read-tree.ts";
import { unsettled } from "../../../src/registry/compare.ts";
import { recover } from "../../../src/registry/open.ts";
import { Promises } from "../../../src/registry/promises.ts";
import { PullTimes } from "../../../src/registry/pull-times.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import { Room } from "../../../src/registry/room.ts";
import { WriteStop } from "../../../src/registry/write-stop.ts";
import { filesystemStorage } from "../../../src/storage/filesystem.ts";
import { type DiskState, copyState } from "./disk-state.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { SimulatedMetadata, newDatabase } from "./simulated-metadata.ts";

/** Where the data folder is on a simulated disk. */
export const DATA = "/data";

/** What a change makes of the things that a registry shows: their new value, or null when they go. */
export type Effects = readonly (readonly [key: string, value: string | null])[];

/** What is shown, by `blob REPO DIGEST`, `manifest REPO DIGEST` and `tag REPO TAG`. */
export type Shown = ReadonlyMap<string, string>;

/** One thing that is asked of a registry. Doing it again after a failure is safe. */
export interface Op {
  readonly name: string;
  readonly effects: Effects;
  run(world: World): Promise<void>;
  /** It starts the registry: when it fails there is none to look at. */
  readonly starts?: true;
  /**
   * What it does besides, bit by bit, each as a whole: when it is cut off any of them may be done. Doing it
   * again does the rest.
   */
  readonly parts?: readonly Effects[];
  /** Asked at the same time, instead of `run`. */
  readonly together?: readonly Op[];
}

/** What can be seen from outside at one moment, and what lies below it. */
export interface Moment {
  readonly label: string;
  readonly disk: DiskState;
  readonly database: Uint8Array;
  readonly acknowledged: Shown;
  /** Asked and not answered. */
  readonly underWay: readonly Effects[];
  /** UTC milliseconds. */
  readonly now: number;
}

export interface Hooks {
  /** Before a call that changes the disk, before a commit, and after each acknowledgement. */
  moment?(moment: () => Moment): void;
  /** In place of the real one: to see whether anybody notices. */
  readonly custody?: Custody;
  /** Before every call, also those that only read, and every commit (`commit METHOD`); may throw. */
  call?(call: string, path: string): "short" | void;
}

/** Nothing is lacking on this disk; a full one is told by its errors. */
const PLENTY = { bytes: 1e12, freeBytes: 1e12, files: 1e9, freeFiles: 1e9 };

/**
 * A registry on a simulated disk: the storage, the follower and the recovery of the real one, put
 * together as `openRegistry` does, without a thread of their own, so that every step can be cut.
 */
export class World implements Disposable {
  registry!: Registry;
  readonly warnings: string[] = [];
  /** What scenarios note from one step to another. */
  readonly notes = new Map<string, string>();
  acknowledged = new Map<string, string>();
  readonly #underWay = new Set<Effects>();
  #metadata!: SimulatedMetadata;
  #stop!: WriteStop;
  #follower!: JournalFollower;
  #following: Promise<void> = Promise.resolve();
  /** UTC milliseconds. */
  #now = Date.UTC(2026, 0, 1);

  private constructor(
    readonly disk: SimulatedDisk,
    readonly hooks: Hooks,
  ) {
    disk.before = ({ name, path, reads }) => {
      if (!reads) this.#moment(`${name} ${path}`);
      return hooks.call?.(name, path);
    };
  }

  /** A registry as it starts with this disk and this database; with neither, a new one. */
  static async start(
    found: Pick<Moment, "disk" | "database" | "acknowledged" | "now"> | null,
    hooks: Hooks = {},
  ): Promise<World> {
    // A copy: what is found is looked at more than once.
    const disk = new SimulatedDisk(found ? copyState(found.disk) : undefined);
    if (!found) {
      disk.mkdirSync(`${DATA}/wharfinger`);
      disk.syncfs(disk.openSync("/", "r"));
    }
    const world = new World(disk, hooks);
    world.acknowledged = new Map(found?.acknowledged);
    if (found) world.#now = found.now;
    await world.restart(found?.database ?? newDatabase());
    return world;
  }

  /** Ends the process and begins another one. The disk stays as programs see it. */
  async restart(database: Uint8Array = this.#metadata.image): Promise<void> {
    this.#metadata?.[Symbol.dispose]();
    this.#metadata = new SimulatedMetadata(database, (method) => {
      this.#moment(`commit ${method}`);
      this.hooks.call?.(`commit ${method}`, "");
    });
    this.#stop = new WriteStop((cause) => void this.warnings.push(cause.message));
    const room = new Room(DATA, () => PLENTY);
    const { disk } = this;
    const storage = guardedStorage(filesystemStorage(DATA, { disk }), this.#stop, room);
    const metadata = guardedMetadata(cached(this.#metadata.open()), this.#stop, room);
    const scanning = filesystemStorage(DATA, { disk, blocking: true });
    this.#follower = new JournalFollower(metadata, scanning);
    this.#following = Promise.resolve();
    const events = {
      warn: (_: unknown, message: string) => void this.warnings.push(message),
    };
    const uploads = await recover({ metadata, storage }, events, this.now);
    // What a thread of its own does in the background is done here, whole.
    const except = await unsettled(metadata);
    try {
      const { unread } = await readTree(scanning, metadata, { now: this.now, except });
      this.warnings.push(...unread.map((name) => `could not be read: ${name}`));
    } catch (error) {
      this.warnings.push(String(error));
    }
    const rules = { delete: true, sparse: false, maxManifestSize: 1e6 };
    const custody = this.hooks.custody ?? new Custody();
    const promises = new Promises();
    const pulls = new PullTimes();
    this.registry = { metadata, storage, uploads, custody, promises, pulls, rules, now: this.now };
  }

  /** Does it, and notes that it was acknowledged. When it fails nothing is noted. */
  async perform(op: Op): Promise<void> {
    if (op.together) {
      await Promise.all(op.together.map((one) => this.perform(one)));
      return;
    }
    const all = [op.effects, ...(op.parts ?? [])];
    for (const effects of all) this.#underWay.add(effects);
    try {
      await op.run(this);
    } finally {
      for (const effects of all) this.#underWay.delete(effects);
    }
    for (const effects of all) this.acknowledged = apply(this.acknowledged, effects);
    this.#moment(`acknowledged: ${op.name}`);
  }

  /** Brings the journal into the tree, as the follower does in its thread: one batch after the other. */
  async follow(): Promise<void> {
    const before = this.#following;
    this.#following = before.catch(() => undefined).then(() => this.#follow());
    await this.#following;
  }

  async #follow(): Promise<void> {
    this.#stop.check();
    for (let more = true; more;) {
      const step = await this.#follower.step().catch((error: unknown) => {
        this.#stop.note(error);
        throw error;
      });
      const stuck = step.stuck.map(({ name }) => name);
      if (step.last !== null) await this.metadata.retireJournal(step.last, stuck);
      if (stuck.length > 0 && !step.more) throw new Error(`stuck: ${stuck.join()}`);
      ({ more } = step);
    }
  }

  get metadata(): Metadata {
    return this.registry.metadata;
  }

  /** Whether it takes no changes any more. */
  get stopped(): boolean {
    return this.#stop.cause !== null;
  }

  readonly now = (): number => this.#now;

  pass(milliseconds: number): void {
    this.#now += milliseconds;
  }

  moment(label: string): Moment {
    return {
      label,
      disk: this.disk.snapshot(),
      database: this.#metadata.image,
      acknowledged: this.acknowledged,
      underWay: [...this.#underWay],
      now: this.#now,
    };
  }

  #moment(label: string): void {
    this.hooks.moment?.(() => this.moment(label));
  }

  [Symbol.dispose](): void {
    this.#metadata[Symbol.dispose]();
  }
}

export function apply(shown: Shown, effects: Effects): Map<string, string> {
  const after = new Map(shown);
  for (const [key, value] of effects) {
    if (value === null) after.delete(key);
    else after.set(key, value);
  }
  return after;
}

export function same(a: Shown, b: Shown): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}

/** For a message, in an order that does not change. */
export function lines(shown: Shown): string {
  return [...shown]
    .map(([key, value]) => `  ${key} ${value}`)
    .toSorted()
    .join("\n");
}
