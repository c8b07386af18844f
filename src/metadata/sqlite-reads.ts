import type { Database } from "bun:sqlite";
import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Reference, type Tag, isDigestReference } from "../oci/reference.ts";
import type { JournalEntry } from "./journal.ts";
import type {
  BlobRecord,
  LinkRecord,
  ManifestRecord,
  MetadataReads,
  Page,
  ReferenceRecord,
  TagRecord,
  UploadRecord,
} from "./metadata.ts";
import { knownDoubt } from "./sqlite-doubt.ts";
import { sqliteCollectionReads } from "./sqlite-collection-reads.ts";
import { sqliteEventReads } from "./sqlite-events.ts";

const OF_REPOSITORY = "repository_id = (SELECT id FROM repositories WHERE name = $name)";
const MANIFEST = `SELECT digest, media_type AS mediaType, bytes, max(pushed_at, seen_at) AS seenAt
  FROM manifests`;

/** Reads run on the caller's thread: each is some microseconds, and never waits for the writer (WAL). */
export function sqliteReads(db: Database): MetadataReads {
  const repository = db.query<{ id: number }, { name: string }>(
    "SELECT id FROM repositories WHERE name = $name",
  );
  const manifestByDigest = db.query<ManifestRecord, { name: string; digest: string }>(
    `${MANIFEST} WHERE ${OF_REPOSITORY} AND digest = $digest`,
  );
  const manifestByTag = db.query<ManifestRecord, { id: number; tag: string }>(
    `${MANIFEST} WHERE repository_id = $id
       AND digest = (SELECT digest FROM tags WHERE repository_id = $id AND name = $tag)`,
  );
  const blob = db.query<LinkRecord, { name: string; digest: string }>(
    `SELECT b.digest, b.size, r.seen_at AS seenAt FROM repository_blobs r JOIN blobs b USING (digest)
      WHERE ${OF_REPOSITORY} AND r.digest = $digest`,
  );
  const allBlobs = db.query<{ digest: Digest; size: number }, { id: number }>(
    "SELECT digest, size FROM repository_blobs JOIN blobs USING (digest) WHERE repository_id = $id",
  );
  const allManifests = db.query<{ digest: Digest; size: number }, { id: number }>(
    "SELECT digest, size FROM manifests WHERE repository_id = $id",
  );
  const allTags = db.query<{ tag: Tag; digest: Digest }, { id: number }>(
    "SELECT name AS tag, digest FROM tags WHERE repository_id = $id",
  );
  const tags = db.query<TagRecord, { id: number; last: string; limit: number }>(
    `SELECT name AS tag, digest, pushed_at AS pushedAt FROM tags
      WHERE repository_id = $id AND name > $last ORDER BY name LIMIT $limit`,
  );
  const tagNames = db.query<{ tag: Tag }, { id: number; last: string; limit: number }>(
    `SELECT name AS tag FROM tags
      WHERE repository_id = $id AND name > $last ORDER BY name LIMIT $limit`,
  );
  const content = db.query<{ bytes: Uint8Array<ArrayBuffer> }, { digest: string }>(
    "SELECT bytes FROM contents WHERE digest = $digest",
  );
  const manifests = db.query<ManifestRecord, { name: string; last: string; limit: number }>(
    `${MANIFEST} WHERE ${OF_REPOSITORY} AND digest > $last ORDER BY digest LIMIT $limit`,
  );
  const blobs = db.query<BlobRecord, { name: string; last: string; limit: number }>(
    `SELECT r.digest, b.size FROM repository_blobs r JOIN blobs b USING (digest)
      WHERE ${OF_REPOSITORY} AND r.digest > $last ORDER BY r.digest LIMIT $limit`,
  );
  const repositories = db.query<{ name: RepositoryName }, { last: string; limit: number }>(
    "SELECT name FROM repositories WHERE name > $last ORDER BY name LIMIT $limit",
  );
  const referrers = db.query<ReferrerRow, ReferrerQuery>(
    `SELECT digest, media_type AS mediaType, size, artifact_type AS artifactType, annotations
       FROM manifests
      WHERE ${OF_REPOSITORY} AND subject = $subject AND digest > $last
        AND ($artifactType IS NULL OR artifact_type = $artifactType)
      ORDER BY digest LIMIT $limit`,
  );
  const tagsOf = db.query<{ tag: Tag }, { name: string; digest: string }>(
    `SELECT name AS tag FROM tags WHERE ${OF_REPOSITORY} AND digest = $digest ORDER BY name`,
  );
  const references = db.query<ReferenceRecord, { name: string; digest: string }>(
    `SELECT role, digest, size FROM manifest_references
      WHERE ${OF_REPOSITORY} AND manifest = $digest ORDER BY role, digest`,
  );
  const uploads = db.query<UploadRecord, []>(
    "SELECT id, repository AS name, started_at AS startedAt, owner FROM uploads",
  );
  const journal = db.query<{ id: number; entry: string }, { limit: number; after: number }>(
    "SELECT id, entry FROM journal WHERE id > $after ORDER BY id LIMIT $limit",
  );
  const journalCount = db.query<{ entries: number }, []>("SELECT count(*) AS entries FROM journal");
  const setting = db.query<{ value: string }, { key: string }>(
    "SELECT value FROM settings WHERE key = $key",
  );

  return {
    ...sqliteEventReads(db),
    ...sqliteCollectionReads(db),
    async findManifest(name: RepositoryName, reference: Reference) {
      if (isDigestReference(reference)) return manifestByDigest.get({ name, digest: reference });
      const found = repository.get({ name });
      return found && manifestByTag.get({ id: found.id, tag: reference });
    },
    async findBlob(name, digest) {
      return blob.get({ name, digest });
    },
    async hasRepository(name) {
      return repository.get({ name }) !== null;
    },
    async knownRepository(name) {
      const id = repository.get({ name })?.id;
      if (id === undefined) return null;
      return {
        blobs: new Map(allBlobs.all({ id }).map(({ digest, size }) => [digest, size])),
        manifests: new Map(allManifests.all({ id }).map(({ digest, size }) => [digest, size])),
        tags: new Map(allTags.all({ id }).map(({ tag, digest }) => [tag, digest])),
        ...knownDoubt(db, id),
      };
    },
    async listTags(name: RepositoryName, page: Page) {
      const found = repository.get({ name });
      return found && tags.all({ id: found.id, last: page.last ?? "", limit: page.limit });
    },
    async listTagNames(name, page) {
      const found = repository.get({ name });
      if (!found) return null;
      const rows = tagNames.values({ id: found.id, last: page.last ?? "", limit: page.limit });
      return rows.map(([tag]) => tag as Tag);
    },
    async listManifests(name, page) {
      return manifests.all({ name, last: page.last ?? "", limit: page.limit });
    },
    async listBlobs(name, page) {
      return blobs.all({ name, last: page.last ?? "", limit: page.limit });
    },
    async listRepositories(page) {
      return repositories.all({ last: page.last ?? "", limit: page.limit }).map(({ name }) => name);
    },
    async listReferrers(name, subject, artifactType, page) {
      const last = page.last ?? "";
      const rows = referrers.all({ name, subject, artifactType, last, limit: page.limit });
      return rows.map((row) => ({
        ...row,
        annotations:
          row.annotations === null ? null : (JSON.parse(row.annotations) as Record<string, string>),
      }));
    },
    async tagsOf(name, digest) {
      return tagsOf.all({ name, digest }).map(({ tag }) => tag);
    },
    async referencesOf(name, digest) {
      return references.all({ name, digest });
    },
    async readContent(digest) {
      return content.get({ digest })?.bytes ?? null;
    },
    async listUploads() {
      return uploads.all();
    },
    async readJournal(limit, after = 0) {
      const rows = journal.all({ limit, after });
      return rows.map(({ id, entry }) => ({ id, entry: JSON.parse(entry) as JournalEntry }));
    },
    async countJournal() {
      return journalCount.get()?.entries ?? 0;
    },
    async getSetting(key) {
      return setting.get({ key })?.value ?? null;
    },
  };
}

interface ReferrerRow {
  digest: Digest;
  mediaType: string;
  size: number;
  artifactType: string | null;
  annotations: string | null;
}

interface ReferrerQuery {
  [parameter: string]: string | number | null;
  name: string;
  subject: string;
  artifactType: string | null;
  last: string;
  limit: number;
}
