import { type Digest, Hasher, algorithmOf } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import { blobPath, repairPath, trashPath } from "../storage/tree.ts";
import { blobRow } from "./repair-rows.ts";
import type { Repairable } from "./repairable.ts";
import type { RepairSource, Wanted } from "./repair-source.ts";

/** Where bytes may come from, in words, and how to read them. */
interface Candidate {
  readonly from: string;
  /** Null: not there after all. */
  readonly open: () => Promise<AsyncIterable<Uint8Array> | null>;
}

/** `from`: null when the right bytes were there already. `why`: of each place that did not have them. */
export type Found =
  | { readonly found: true; readonly from: string | null }
  | { readonly found: false; readonly why: string };

type State = "right" | "wrong" | "missing";

/**
 * Brings the right bytes of blobs and manifests to where they belong.
 *
 * Nothing is believed: every byte is hashed on its way into a file of our own, which takes the blob's name only
 * when the digest is right. What was there before is moved to the trash. A crash leaves a file of ours
 * that the next repair overwrites, or a blob that is in the trash and not yet replaced: the next repair
 * finds it missing and brings it. Bytes that are right are never touched.
 */
export class ByteRepairs {
  /** Digests whose file was read in this run, and is right. */
  readonly #right = new Set<Digest>();
  readonly #what: Repairable;
  readonly #source: RepairSource | null;

  constructor(what: Repairable, source: RepairSource | null) {
    this.#what = what;
    this.#source = source;
  }

  /** Whether the file of a blob has the bytes of its digest. Each is read once. */
  async state(digest: Digest): Promise<State> {
    if (this.#right.has(digest)) return "right";
    const stored = await this.#what.storage.read(blobPath(digest));
    if (!stored) return "missing";
    const hasher = new Hasher(algorithmOf(digest));
    const body = stored.body instanceof Blob ? stored.body.stream() : stored.body;
    for await (const chunk of body) hasher.update(chunk);
    if (hasher.digest() !== digest) return "wrong";
    this.#right.add(digest);
    return "right";
  }

  /** Where the bytes would come from; null: from nowhere. Nothing is changed. */
  async locate(wanted: Wanted): Promise<string | null> {
    if ((await this.state(wanted.digest)) === "right") return "its file";
    for await (const { from, open } of this.#candidates(wanted)) {
      if (await this.#isRight(wanted.digest, open)) return from;
    }
    const source = this.#asked(wanted);
    return source && (await source.has(wanted)) ? source.name : null;
  }

  /** Puts the bytes in place, if they are anywhere. */
  async bring(wanted: Wanted): Promise<Found> {
    const { digest } = wanted;
    const before = await this.state(digest);
    if (before === "right") return { found: true, from: null };
    const reasons: string[] = [];
    for await (const { from, open } of this.#candidates(wanted)) {
      if (await this.#fetch(digest, open)) {
        await this.#place(digest, before);
        return { found: true, from };
      }
      reasons.push(`${from} has other bytes`);
    }
    const source = this.#asked(wanted);
    if (source) {
      const why = await this.#fromSource(wanted, source);
      if (why === null) {
        await this.#place(digest, before);
        return { found: true, from: source.name };
      }
      reasons.push(why);
    }
    const said =
      reasons.length > 0 ? reasons.join("; ") : "neither the metadata nor the trash has it";
    return {
      found: false,
      why: this.#source ? said : `${said}; a registry that has it can be named with --from`,
    };
  }

  /** Moves bytes that are not those of their digest to the trash. False: they are right, gone, or there is no trash. */
  async discard(digest: Digest): Promise<boolean> {
    if ((await this.state(digest)) !== "wrong") return false;
    return await this.#toTrash(digest);
  }

  #asked({ repositories }: Wanted): RepairSource | null {
    return repositories.length > 0 ? this.#source : null;
  }

  async *#candidates({ digest, repositories }: Wanted): AsyncGenerator<Candidate> {
    const { metadata, storage, trash } = this.#what;
    const content = await metadata.readContent(digest);
    if (content) yield { from: "the metadata", open: async () => once(content) };
    for (const name of repositories) {
      const manifest = await metadata.findManifest(name, digest);
      if (manifest) yield { from: "the metadata", open: async () => once(manifest.bytes) };
    }
    for (const row of (await trash?.listTrash({ digest, limit: MOST_ROWS })) ?? []) {
      const { id, kind, bytes } = row;
      if (bytes) yield { from: "the trash", open: async () => once(bytes) };
      if (kind !== "blob") continue;
      yield {
        from: "the trash",
        async open() {
          const stored = await storage.read(trashPath(id));
          if (!stored) return null;
          return stored.body instanceof Blob ? stored.body.stream() : stored.body;
        },
      };
    }
  }

  async #isRight(digest: Digest, open: Candidate["open"]): Promise<boolean> {
    const body = await open();
    if (!body) return false;
    const hasher = new Hasher(algorithmOf(digest));
    for await (const chunk of body) hasher.update(chunk);
    return hasher.digest() === digest;
  }

  /** Null when it came whole and right, else why not. A source that lies or is down is told of, never trusted. */
  async #fromSource(wanted: Wanted, source: RepairSource): Promise<string | null> {
    try {
      if (await this.#fetch(wanted.digest, async () => await source.open(wanted))) return null;
      return `${source.name} does not have it, or sends other bytes`;
    } catch (error) {
      if (error instanceof RegistryError) return error.message;
      throw error;
    }
  }

  /** Into a file of ours, durable, if they are right. */
  async #fetch(digest: Digest, open: Candidate["open"]): Promise<boolean> {
    const body = await open();
    if (!body) return false;
    const { storage } = this.#what;
    const path = repairPath(digest);
    const hasher = new Hasher(algorithmOf(digest));
    const writer = await storage.append(path, 0);
    let right = false;
    try {
      for await (const chunk of body) {
        hasher.update(chunk);
        await writer.write(chunk);
      }
      right = hasher.digest() === digest;
      if (right) await writer.sync();
    } finally {
      await writer.close();
      if (!right) await storage.delete(path);
    }
    return right;
  }

  /** The one moment at which a reader sees a difference. */
  async #place(digest: Digest, before: State): Promise<void> {
    const { storage } = this.#what;
    if (before === "wrong") await this.#toTrash(digest);
    await storage.move(repairPath(digest), blobPath(digest));
    this.#right.add(digest);
  }

  /** The row before the file: what is in the trash without a row nobody finds. */
  async #toTrash(digest: Digest): Promise<boolean> {
    const { storage, trash, now } = this.#what;
    const stored = await storage.stat(blobPath(digest));
    if (!trash || !stored) return false;
    const reason = "damaged: its bytes are not those of its digest";
    const [id] = await trash.addTrash([blobRow(digest, stored, now(), reason)]);
    if (id === undefined) return false;
    await storage.move(blobPath(digest), trashPath(id));
    return true;
  }
}

/** Of one digest there is seldom more than one. */
const MOST_ROWS = 20;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
