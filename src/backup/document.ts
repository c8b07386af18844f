import { z } from "zod";
import { isDigest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import { USER_FILES } from "./set.ts";

/** The version of what a backup looks like. One that is newer is refused: what it means is not known. */
export const VERSION = 1;

const count = z.int().nonnegative();
const counts = z.object({
  repositories: count,
  tags: count,
  manifests: count,
  blobs: count,
  bytes: count,
});
const earlier = z.object({ id: z.uuid(), at: z.iso.datetime() });
const document = z.object({
  schemaVersion: z.literal(VERSION),
  kind: z.literal("wharfinger-backup"),
  id: z.uuid(),
  at: z.iso.datetime(),
  /** The digest of the list. */
  list: z.string().refine(isDigest),
  /** All of the set. */
  whole: counts,
  /** Of that, what this backup has itself; the rest is in the earlier ones. */
  here: z.object({ blobs: count, bytes: count }),
  /** Manifests that lack parts, as they did where they come from. */
  incomplete: count,
  /** What it builds on: all of them are needed to restore it, the newest first. */
  chain: z.array(earlier).max(10_000),
  /** Files with secrets. */
  users: z.array(z.enum(USER_FILES)),
  configuration: z.string().nullable(),
});

/** What `wharfinger/backup.json` says. Times are UTC, ISO 8601. */
export type BackupDocument = Readonly<z.infer<typeof document>>;

export type Earlier = Readonly<z.infer<typeof earlier>>;

/** Throws BACKUP_INVALID. `source`: where it was found. */
export function parseDocument(bytes: Uint8Array, source: string): BackupDocument {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(source, "its wharfinger/backup.json is not JSON", error);
  }
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (typeof version === "number" && version > VERSION) {
    throw invalid(
      source,
      `it has version ${version}, this program knows ${VERSION}; use the program that wrote it, or a newer one`,
    );
  }
  const parsed = document.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join(".") ?? "";
  throw invalid(
    source,
    `its wharfinger/backup.json is not one of ours (${where}: ${issue?.message})`,
  );
}

export function documentBytes(value: BackupDocument): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}

/** BACKUP_INVALID about one source. */
export function invalid(source: string, why: string, cause?: unknown): RegistryError {
  const options = cause === undefined ? {} : { cause };
  return new RegistryError("BACKUP_INVALID", { reason: `${source}: ${why}` }, options);
}
