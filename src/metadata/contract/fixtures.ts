import { type Digest, digestOf } from "../../oci/digest.ts";
import type { Requirement } from "../../oci/manifest.ts";
import { OCI_IMAGE } from "../../oci/media-types.ts";
import { type RepositoryName, parseName } from "../../oci/name.ts";
import { parseTag } from "../../oci/reference.ts";
import type { JournalEntry } from "../journal.ts";
import type {
  BlobRecord,
  ManifestPush,
  Metadata,
  Page,
  RepositorySnapshot,
  SnapshotManifest,
} from "../metadata.ts";

/** What each part of the contract works on: metadata that are empty when a test begins. */
export interface Given {
  metadata: Metadata;
  /** Opens the same place once more, after a close. */
  open(): Promise<Metadata>;
  /** Links the blob whose bytes are `word`. */
  link(word: string, to?: RepositoryName): Promise<unknown>;
  /** Pushes the manifest whose bytes are `word`; returns what is missing. */
  push(word: string, options?: PushOptions, to?: RepositoryName): Promise<Digest[]>;
  /** All that the reads show, to compare before and after. */
  shown(): Promise<unknown>;
  journal(): Promise<JournalEntry[]>;
}

/** Bytes that are known by a word: the same word, the same bytes. */
export function bytesOf(word: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(word);
}

export function digestFor(word: string): Digest {
  return digestOf(bytesOf(word));
}

export function blobOf(word: string): BlobRecord {
  return { digest: digestFor(word), size: bytesOf(word).length };
}

export function layer(word: string): Requirement {
  return { ...blobOf(word), role: "layer", manifest: false, required: true };
}

export function child(word: string): Requirement {
  return { ...blobOf(word), role: "child", manifest: true, required: true };
}

export interface PushOptions {
  readonly tags?: readonly string[];
  readonly needs?: readonly Requirement[];
  readonly subject?: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly requireContent?: boolean;
  readonly at?: number;
}

/** A push of the manifest whose bytes are `word`. */
export function pushOf(
  name: RepositoryName,
  word: string,
  options: PushOptions = {},
): ManifestPush {
  return {
    name,
    digest: digestFor(word),
    mediaType: OCI_IMAGE,
    bytes: bytesOf(word),
    subject: options.subject === undefined ? null : digestFor(options.subject),
    artifactType: options.artifactType ?? null,
    annotations: options.annotations ?? null,
    tags: (options.tags ?? []).map(parseTag),
    references: options.needs ?? [],
    requireContent: options.requireContent ?? true,
    at: options.at ?? 1000,
  };
}

/** A repository as a tree has it: blobs, manifests that need all of them, and a tag for each manifest. */
export function snapshotOf(
  name: RepositoryName,
  blobs: readonly string[],
  manifests: Readonly<Record<string, string>>,
): RepositorySnapshot {
  const references = blobs.map((word) => ({ role: "layer" as const, ...blobOf(word) }));
  return {
    name,
    readAt: 700,
    blobs: blobs.map((word) => ({ ...blobOf(word), linkedAt: 500 })),
    manifests: Object.keys(manifests).map((word): SnapshotManifest => ({
      digest: digestFor(word),
      mediaType: OCI_IMAGE,
      bytes: bytesOf(word),
      pushedAt: 500,
      subject: null,
      artifactType: null,
      annotations: null,
      references,
    })),
    tags: Object.entries(manifests).map(([word, tag]) => ({
      tag: parseTag(tag),
      digest: digestFor(word),
      pushedAt: 600,
    })),
  };
}

export async function journalOf(metadata: Metadata): Promise<JournalEntry[]> {
  return (await metadata.readJournal(1_000_000)).map(({ entry }) => entry);
}

export const APP = parseName("team/app");
export const OTHER = parseName("team/other");
export const ALL: Page = { last: null, limit: 1000 };

/** Everything that the reads show of some repositories, to compare before and after. */
export async function everything(
  metadata: Metadata,
  names: readonly RepositoryName[],
): Promise<unknown> {
  const words = ["layer", "config", "manifest", "index", "one", "two", "small"];
  const shown = names.map(async (name) => ({
    exists: await metadata.hasRepository(name),
    tags: await metadata.listTags(name, ALL),
    content: await Promise.all(
      words.map(async (word) => ({
        manifest: await metadata.findManifest(name, digestFor(word)),
        blob: await metadata.findBlob(name, digestFor(word)),
        tags: await metadata.tagsOf(name, digestFor(word)),
        references: await metadata.referencesOf(name, digestFor(word)),
        referrers: await metadata.listReferrers(name, digestFor(word), null, ALL),
        held: await metadata.readContent(digestFor(word)),
      })),
    ),
  }));
  return {
    repositories: await metadata.listRepositories(ALL),
    journal: await metadata.readJournal(1000),
    uploads: await metadata.listUploads(),
    setting: await metadata.getSetting("key"),
    shown: await Promise.all(shown),
  };
}
