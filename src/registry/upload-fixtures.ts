import type { Metadata } from "../metadata/metadata.ts";
import { RegistryError } from "../oci/errors.ts";
import { memoryStorage } from "../storage/memory.ts";
import type { Storage } from "../storage/storage.ts";
import { Custody } from "./custody.ts";
import { Promises } from "./promises.ts";
import { PullTimes } from "./pull-times.ts";
import type { Registry } from "./registry.ts";
import { UploadSessions } from "./upload-sessions.ts";
import type { Announced } from "./upload-state.ts";

/** What tests of uploads are built from. */

export const UNSAID: Announced = { start: null, end: null, length: null };

/** The client went away in the middle of its body. */
export class Gone extends Error {}

export function newRegistry(metadata: Metadata, storage: Storage = memoryStorage()): Registry {
  const rules = { delete: true, sparse: false, maxManifestSize: 1000 };
  const uploads = new UploadSessions(metadata, storage);
  const custody = new Custody();
  const promises = new Promises();
  const pulls = new PullTimes();
  return { metadata, storage, uploads, custody, promises, pulls, rules, now: () => 1000 };
}

/** A request's body in pieces; with `cut`, its client goes away after so many bytes. */
export async function* body(
  bytes: Uint8Array,
  piece = 7,
  cut: number | null = null,
): AsyncGenerator<Uint8Array> {
  const sent = cut === null ? bytes : bytes.subarray(0, cut);
  for (let at = 0; at < sent.length; at += piece) yield sent.slice(at, at + piece);
  if (cut !== null) throw new Gone();
}

/** `length` bytes that are the same for the same seed. */
export function bytesFrom(seed: number, length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).map((_, at) => (seed + at * 31) % 256);
}

/** What a call comes to: its value, or the kind of its refusal. */
export async function outcome(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return error instanceof RegistryError ? error.kind : error;
  }
}
