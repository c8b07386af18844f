import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { type Digest, algorithmOf, digestOf } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import {
  layerLink,
  linkBytes,
  revisionLink,
  tagCurrentLink,
  tagIndexLink,
} from "../storage/tree.ts";
import { blobBytes } from "./blob-bytes.ts";
import { contentOf } from "./content.ts";
import { Copier, type Copying, type Progress } from "./copier.ts";
import { type BackupDocument, type Earlier, VERSION } from "./document.ts";
import { CONFIGURATION, type UserFile, userPath } from "./set.ts";
import type { Sink } from "./sink.ts";
import type { BackupSource } from "./source.ts";
import { type WorkFiles, writeWorkFiles } from "./work-files.ts";

export interface BackupOptions {
  /** What earlier backups hold, and which those are, the newest first. */
  readonly earlier: { readonly blobs: ReadonlySet<Digest>; readonly chain: readonly Earlier[] };
  /** Leave out what is damaged, with all that needs it, instead of making no backup. */
  readonly skipDamaged: boolean;
  /** Files of users to take along, with where they are. */
  readonly users: readonly { readonly file: UserFile; readonly path: string }[];
  readonly configuration: string | null;
  readonly now: () => number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface BackupReport {
  readonly document: BackupDocument;
  /** Images that were left out because something of them is damaged. */
  readonly leftOut: readonly string[];
}

/**
 * Makes a backup: what one moment's snapshot names, with every byte compared with its digest.
 *
 * The snapshot is closed before the layers are copied. They do not change; one that a collection moves
 * meanwhile is found in the trash. Throws DAMAGE_FOUND or BACKUP_FAILED; the sink was abandoned then.
 */
export async function makeBackup(
  source: BackupSource,
  openSink: () => Promise<Sink>,
  options: BackupOptions,
): Promise<BackupReport> {
  const damaged = options.skipDamaged ? await findDamaged(source, options) : new Set<Digest>();
  const sink = await openSink().catch(failed);
  try {
    const report = await writeTo(sink, source, damaged, options);
    await sink.finish();
    return report;
  } catch (error) {
    await sink.abandon();
    return failed(error);
  }
}

/** What the file system refused is no fault of ours: it gets our words. */
function failed(error: unknown): never {
  const { code = "" } = error as { code?: unknown };
  if (error instanceof RegistryError || !/^E[A-Z0-9]+$/.test(String(code))) throw error;
  const reason = (error as Error).message;
  throw new RegistryError("BACKUP_FAILED", { reason }, { cause: error });
}

async function writeTo(
  sink: Sink,
  source: BackupSource,
  damaged: ReadonlySet<Digest>,
  options: BackupOptions,
): Promise<BackupReport> {
  const { earlier, now, users, configuration } = options;
  const copying: Copying = { at: now(), signal: options.signal, onProgress: options.onProgress };
  const snapshot = source.snapshot();
  let work: WorkFiles | null = null;
  try {
    const content = contentOf(snapshot, damaged);
    work = await writeWorkFiles(content);
    const { blobs, counts, leftOut } = content;
    const waiting = new Map([...blobs].filter(([digest]) => !earlier.blobs.has(digest)));
    const here = { blobs: waiting.size, bytes: sum(waiting.values()) };
    const document: BackupDocument = {
      schemaVersion: VERSION,
      kind: "wharfinger-backup",
      id: randomUUID(),
      at: new Date(copying.at).toISOString(),
      list: work.list.digest,
      whole: counts,
      here,
      incomplete: snapshot.countIncomplete(),
      chain: [...earlier.chain],
      users: users.map(({ file }) => file),
      configuration: configuration === null ? null : basename(configuration),
    };
    const copier = new Copier(sink, waiting, here, copying);
    await sink.begin(document, work.list);
    await copier.fromRows(snapshot);
    snapshot[Symbol.dispose]();
    for (const { file, path } of users) await addFile(sink, userPath(file), path, copying.at);
    if (configuration !== null) {
      const name = `${CONFIGURATION}/${basename(configuration)}`;
      await addFile(sink, name, configuration, copying.at);
    }
    await copier.fromFiles(source.place);
    await addLinks(sink, work, copying);
    return { document, leftOut };
  } finally {
    snapshot[Symbol.dispose]();
    await work?.[Symbol.asyncDispose]();
  }
}

/** Links before the tags that lead to them. */
async function addLinks(sink: Sink, work: WorkFiles, { at, signal }: Copying): Promise<void> {
  const add = async (path: string, digest: Digest, modifiedAt: number): Promise<void> => {
    const bytes = linkBytes(digest);
    await sink.add({ path, size: bytes.length, modifiedAt }, bytes);
  };
  for await (const { name, layers, manifests, tags } of work.repositories()) {
    signal?.throwIfAborted();
    for (const digest of layers) await add(layerLink(name, digest), digest, at);
    for (const digest of manifests) await add(revisionLink(name, digest), digest, at);
    for (const { tag, digest, pushedAt } of tags) {
      await add(tagIndexLink(name, tag, digest), digest, pushedAt);
      await add(tagCurrentLink(name, tag), digest, pushedAt);
    }
  }
}

/** Throws BACKUP_FAILED when it cannot be read: what was asked for must be in it. */
async function addFile(sink: Sink, path: string, from: string, modifiedAt: number): Promise<void> {
  const bytes = await readFile(from).catch((error: unknown) => {
    const reason = `${from} cannot be read (${(error as Error).message})`;
    throw new RegistryError("BACKUP_FAILED", { reason }, { cause: error });
  });
  await sink.add({ path, size: bytes.length, modifiedAt, secret: true }, bytes);
}

/** Reads all there is, to know before anything is written what has to be left out. */
async function findDamaged(
  source: BackupSource,
  { earlier, signal }: BackupOptions,
): Promise<Set<Digest>> {
  const damaged = new Set<Digest>();
  using snapshot = source.snapshot();
  const waiting = new Map(contentOf(snapshot, damaged).blobs);
  for (const contents of [snapshot.manifests(), snapshot.contents()]) {
    for (const { digest, bytes } of contents) {
      const size = waiting.get(digest);
      waiting.delete(digest);
      if (size === undefined) continue;
      const right = bytes.length === size && digestOf(bytes, algorithmOf(digest)) === digest;
      if (!right) damaged.add(digest);
    }
  }
  for (const [digest, size] of waiting) {
    if (earlier.blobs.has(digest)) continue;
    try {
      for await (const _ of blobBytes(source.place, digest, size)) signal?.throwIfAborted();
    } catch (error) {
      const isDamage = error instanceof RegistryError && error.kind === "DAMAGE_FOUND";
      if (!isDamage) throw error;
      damaged.add(digest);
    }
  }
  return damaged;
}

function sum(sizes: Iterable<number>): number {
  let all = 0;
  for (const size of sizes) all += size;
  return all;
}
