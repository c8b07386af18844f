import { randomBytes } from "node:crypto";
import type { Metadata } from "../metadata/metadata.ts";
import { type DigestAlgorithm, Hasher } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Storage } from "../storage/storage.ts";
import { UPLOADS, uploadPath } from "../storage/tree.ts";
import { UploadBytes } from "./upload-bytes.ts";
import { leastMissed } from "./upload-room.ts";

/** How long a request waits for another one on the same upload. */
const PATIENCE_MS = 1000;

/** Unfinished uploads that nobody touches for a week are given up, as registry:2 does. */
const LIFETIME_MS = 7 * 24 * 3600 * 1000;

/** One that never had a byte holds nothing that could be missed, and costs memory. */
const EMPTY_LIFETIME_MS = 3600 * 1000;

/** What is unfinished costs memory and disk, and who pushes may leave it unfinished on purpose. */
export interface UploadLimits {
  readonly inAll: number;
  readonly inOne: number;
}

const USUAL: UploadLimits = { inAll: 10_000, inOne: 1000 };

/** One upload in progress. */
export interface UploadSession {
  /** 128 random bits; its owner, as long as he may push to `name`, may go on with the upload. */
  readonly id: string;
  readonly name: RepositoryName;
  /** Who began it; null: nobody has said who he is. */
  readonly owner: string | null;
  readonly startedAt: number;
  /** When a request last touched it; it expires from here. */
  touchedAt: number;
  /** Bytes received. */
  offset: number;
  readonly bytes: UploadBytes;
  /** The hash of these bytes; null after a restart, until they are read again. */
  hasher: Hasher | null;
  /** While a request is writing to it: resolves when that request is done. */
  busy: Promise<void> | null;
  /** Whether the metadata knows it, so that it survives a restart. */
  saved: boolean;
}

export interface UploadCounts {
  /** Unfinished ones, and those of them that a request is writing to. */
  readonly open: number;
  readonly busy: number;
  /** Received in all uploads since the start, those that failed included. */
  readonly bytes: number;
}

/**
 * The uploads in progress, in memory.
 *
 * Most live for a few milliseconds, so they cost no transaction: only those that stay open (`save`) are
 * recorded, and can be resumed after a restart. What a kill loses is an upload that was never
 * acknowledged as a blob.
 */
export class UploadSessions {
  readonly #sessions = new Map<string, UploadSession>();
  #busy = 0;
  #received = 0;

  constructor(
    readonly metadata: Metadata,
    readonly storage: Storage,
    readonly limits: UploadLimits = USUAL,
  ) {}

  /** Throws TOO_MANY_UPLOADS when there are as many as may be, and none that could be given up for it. */
  open(
    name: RepositoryName,
    algorithm: DigestAlgorithm,
    now: number,
    owner: string | null = null,
  ): UploadSession {
    this.#makeRoom(name, now);
    const id = randomBytes(16).toString("hex");
    const session: UploadSession = {
      id,
      name,
      owner,
      startedAt: now,
      touchedAt: now,
      offset: 0,
      bytes: new UploadBytes(id, this.storage),
      hasher: new Hasher(algorithm),
      busy: null,
      saved: false,
    };
    this.#sessions.set(session.id, session);
    return session;
  }

  #makeRoom(name: RepositoryName, now: number): void {
    if (this.#sessions.size < Math.min(this.limits.inOne, this.limits.inAll)) return;
    const all = [...this.#sessions.values()];
    const here = all.filter((session) => session.name === name);
    const full =
      here.length >= this.limits.inOne ? here : all.length >= this.limits.inAll ? all : null;
    if (!full) return;
    const given = leastMissed(full, now);
    if (given) {
      // It is forgotten at once. What of it could not be removed from the disk, the next start removes.
      this.discard(given).catch(() => undefined);
      return;
    }
    throw new RegistryError(
      "TOO_MANY_UPLOADS",
      { reason: full === here ? `${here.length} in ${name}` : `${all.length} in all` },
      { headers: { "retry-after": "10" } },
    );
  }

  /**
   * Throws UPLOAD_UNKNOWN, also for an upload of another repository, or of another owner: its id is worth
   * nothing there.
   */
  find(name: RepositoryName, id: string, owner: string | null = null): UploadSession {
    const session = this.#sessions.get(id);
    if (session?.name === name && session.owner === owner) return session;
    throw new RegistryError("UPLOAD_UNKNOWN", { reason: JSON.stringify(id.slice(0, 64)) });
  }

  /**
   * Gives the session to one request. Waits a moment for another that has it: a client that lost its
   * connection comes back before we have noticed. Throws UPLOAD_BUSY when that one goes on, and
   * UPLOAD_UNKNOWN when it has ended the upload.
   */
  async exclusively<T>(session: UploadSession, now: number, work: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS;
    // Whoever is woken first takes the session in the same breath, so each look at `busy` is a fresh one.
    while (session.busy) {
      const left = deadline - performance.now();
      if (left <= 0) throw new RegistryError("UPLOAD_BUSY");
      await Promise.race([session.busy, Bun.sleep(left)]);
    }
    this.find(session.name, session.id, session.owner);
    session.touchedAt = now;
    return await this.#alone(session, work);
  }

  /** The caller has just seen that nobody else has the session. */
  async #alone<T>(session: UploadSession, work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    session.busy = promise;
    this.#busy++;
    try {
      return await work();
    } finally {
      session.busy = null;
      this.#busy--;
      resolve();
    }
  }

  /** Says that so many bytes have come in. */
  received(bytes: number): void {
    this.#received += bytes;
  }

  counts(): UploadCounts {
    return { open: this.#sessions.size, busy: this.#busy, bytes: this.#received };
  }

  /** Waits until no request writes to the session, but not for long. */
  async settled(session: UploadSession): Promise<void> {
    if (session.busy) await Promise.race([session.busy, Bun.sleep(PATIENCE_MS)]);
  }

  /** Forgets a session whose bytes become a blob. When this rejects it is still there. */
  async finished(session: UploadSession): Promise<void> {
    if (session.saved) await this.metadata.removeUpload(session.id);
    session.saved = false;
    this.#sessions.delete(session.id);
  }

  /**
   * Forgets a session and its bytes. The bytes first: those of a failed sync must not be found by the
   * next start, which could not know that they are in doubt.
   */
  async discard(session: UploadSession): Promise<void> {
    this.#sessions.delete(session.id);
    await session.bytes.discard();
    await this.finished(session);
  }

  /** Records every upload that holds bytes, so that a restart finds it; those in use wait for the next time. */
  async save(): Promise<void> {
    for (const session of this.#sessions.values()) {
      if (session.saved || session.busy || session.offset === 0) continue;
      const { id, name, startedAt, owner, bytes } = session;
      await this.#alone(session, async () => await bytes.store());
      // Not alone any more: a request must not wait for a commit that is none of its business.
      await this.metadata.saveUpload({ id, name, startedAt, owner });
      // Only now: an upload that could not be recorded is tried again.
      session.saved = true;
      // It may have ended while it was being saved.
      if (!this.#sessions.has(id)) await this.finished(session);
    }
  }

  /** Discards uploads that nobody touched for too long, `now` in UTC ms; returns how many. */
  async expire(now: number): Promise<number> {
    let expired = 0;
    for (const session of this.#sessions.values()) {
      const lifetime = session.offset === 0 ? EMPTY_LIFETIME_MS : LIFETIME_MS;
      // Asked one by one: while the last one went, a request may have taken this one up.
      if (session.busy || session.touchedAt >= now - lifetime) continue;
      await this.discard(session);
      expired++;
    }
    return expired;
  }

  /**
   * At start: takes up the recorded uploads whose bytes are there, and removes bytes that belong to
   * none. Those were never acknowledged as a blob, and no client can name them any more.
   */
  async restore(now: number): Promise<void> {
    for (const { id, name, startedAt, owner } of await this.metadata.listUploads()) {
      const info = await this.storage.stat(uploadPath(id));
      if (!info) {
        await this.metadata.removeUpload(id);
        continue;
      }
      const bytes = new UploadBytes(id, this.storage, true);
      const known = { id, name, startedAt, owner, touchedAt: now, offset: info.size, bytes };
      this.#sessions.set(id, { ...known, hasher: null, busy: null, saved: true });
    }
    for await (const { name } of this.storage.list(UPLOADS)) {
      if (!this.#sessions.has(name)) await this.storage.delete(uploadPath(name));
    }
  }
}
