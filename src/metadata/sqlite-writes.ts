import type { Database } from "bun:sqlite";
import type { Digest } from "../oci/digest.ts";
import type { Requirement } from "../oci/manifest.ts";
import { OCTET_STREAM } from "../oci/media-types.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { Who } from "./event.ts";
import type { JournalEntry } from "./journal.ts";
import type { BlobRecord, ManifestPush, MetadataWrites } from "./metadata.ts";
import { sqliteCollectionWrites } from "./sqlite-collection-writes.ts";
import { sqliteEventWrites } from "./sqlite-events.ts";
import { REVIVE, type Removal, sqliteGarbage } from "./sqlite-garbage.ts";
import { replaceRepository } from "./sqlite-replace.ts";
import { PULLED_BEFORE, sqliteRetentionWrites } from "./sqlite-retention.ts";

/** The writing half of the interface, each method as the body of a transaction that is already open. */
export type Writes = {
  [K in keyof MetadataWrites]: (
    ...parameters: Parameters<MetadataWrites[K]>
  ) => Awaited<ReturnType<MetadataWrites[K]>>;
};

/**
 * A method here either changes all that it should or, by returning before its first change, nothing:
 * several of them share one transaction, and one that declines must not spoil the others.
 */
export function sqliteWrites(db: Database): Writes {
  const sql = statements(db);
  const { record, ...events } = sqliteEventWrites(db);
  const garbage = sqliteGarbage(db);
  /** Returns the entry's id. */
  const journal = (entry: JournalEntry): number =>
    Number(sql.addJournal.run({ entry: JSON.stringify(entry) }).lastInsertRowid);
  const repositoryId = (name: RepositoryName): number | null =>
    sql.repository.get({ name })?.id ?? null;
  const ensureRepository = (name: RepositoryName): number =>
    repositoryId(name) ?? Number(sql.addRepository.run({ name }).lastInsertRowid);

  /** Nothing is written to the journal for a link that the tree has already. */
  const link = (id: number, name: RepositoryName, digest: Digest, at: number): void => {
    if (sql.seeLink.run({ id, digest, at }).changes > 0) return;
    sql.addLink.run({ id, digest, at });
    garbage.review(id, "link", digest, at);
    journal({ op: "link-layer", name, digest });
  };

  const missing = (id: number | null, references: readonly Requirement[]): Digest[] => {
    const isHere = ({ digest, role, manifest, required }: Requirement): boolean => {
      if (!required) return true;
      if (id === null) return false;
      if (role === "child" && sql.hasManifest.get({ id, digest })) return true;
      return !manifest && sql.hasLink.get({ id, digest }) !== null;
    };
    return [...new Set(references.filter((one) => !isHere(one)).map(({ digest }) => digest))];
  };

  const setTag = (
    id: number,
    tag: Tag,
    { name, digest, at }: ManifestPush,
    by: Who | null | undefined,
  ): void => {
    const previous = sql.tag.get({ id, tag })?.digest ?? null;
    const moved = previous !== null && previous !== digest;
    if (moved) garbage.trashTag(id, name, tag, removal(`moved to ${digest}`, at, by));
    sql.setTag.run({ id, tag, digest, at });
    if (moved) garbage.untag(id, previous, at);
    sql.addHistory.run({ id, tag, digest, at });
    journal({ op: "set-tag", name, tag, digest, previous });
  };

  /** It names neither what it may be taken from nor what it shall name. */
  const isTaken = (id: number, tag: Tag, { tagsFrom, digest }: ManifestPush): boolean => {
    if (tagsFrom === undefined) return false;
    const named = sql.tag.get({ id, tag })?.digest ?? null;
    return named !== tagsFrom && named !== digest;
  };

  const dropTag = (
    id: number,
    name: RepositoryName,
    tag: Tag,
    previous: Digest,
    why: Removal,
  ): void => {
    garbage.trashTag(id, name, tag, why);
    sql.removeTag.run({ id, tag });
    sql.removeHistory.run({ id, tag });
    journal({ op: "remove-tag", name, tag, previous });
  };

  const neededBy = (id: number, digest: Digest): Digest[] =>
    sql.neededBy.all({ id, digest }).map(({ manifest }) => manifest);

  /** Until something needs it, a manifest that was pushed may be garbage. */
  const reviewPushed = (
    id: number,
    { digest, at }: ManifestPush,
    is: { readonly known: boolean; readonly tagged: boolean },
  ): void => {
    if (!is.tagged) {
      if (is.known) sql.seeManifest.run({ id, digest, at });
      if (!is.known || !sql.tagsOf.get({ id, digest })) garbage.review(id, "manifest", digest, at);
    } else if (is.known) {
      sql.retag.run({ id, digest });
      garbage.unreviewManifest(id, digest);
    }
  };

  return {
    linkBlob(name, { digest, size }, at, content, by) {
      const known = sql.blob.get({ digest });
      // Its file may be renamed away at any moment: whoever stores one waits until that is settled.
      if (known?.state === "leaving") throw new Error(`${digest} is leaving and can not be linked`);
      if (known?.state !== "live" || known.size !== size) sql.addBlob.run({ digest, size, at });
      link(ensureRepository(name), name, digest, at);
      const facts = { name, digest, size, mediaType: OCTET_STREAM, at };
      record(by, { action: "push", kind: "blob", ...facts });
      if (content) {
        const journalId = journal({ op: "link-layer", name, digest });
        sql.addContent.run({ digest, journalId, content });
      }
      return { resized: known !== null && known.size !== size };
    },

    mountBlob(name, digest, from, at, by): BlobRecord | null {
      const source =
        from === null
          ? sql.linkedAnywhere.get({ digest })
          : sql.linkedIn.get({ name: from, digest });
      if (!source) return null;
      link(ensureRepository(name), name, digest, at);
      const { size } = source;
      const facts = { digest, size, mediaType: OCTET_STREAM, from: source.name, at };
      record(by, { action: "mount", kind: "blob", name, ...facts });
      return { digest, size };
    },

    unlinkBlob(name, digest, at, by) {
      const id = repositoryId(name);
      if (id === null || !sql.hasLink.get({ id, digest })) return { removed: false, neededBy: [] };
      const needed = neededBy(id, digest);
      if (needed.length > 0) return { removed: false, neededBy: needed };
      garbage.dropLink(id, name, digest, removal("deleted", at, by));
      record(by, { action: "delete", kind: "blob", name, digest });
      return { removed: true, neededBy: [] };
    },

    putManifest(push, by) {
      const { name, digest, bytes, at } = push;
      const existing = repositoryId(name);
      const absent = missing(existing, push.references);
      if (absent.length > 0 && push.requireContent) return { missing: absent };
      const id = existing ?? ensureRepository(name);
      const known = sql.hasManifest.get({ id, digest }) !== null;
      if (!known) {
        sql.addBlob.run({ digest, size: bytes.length, at });
        sql.addManifest.run({
          id,
          name,
          digest,
          bytes,
          mediaType: push.mediaType,
          size: bytes.length,
          subject: push.subject,
          artifactType: push.artifactType,
          annotations: push.annotations && JSON.stringify(push.annotations),
          at,
        });
        for (const reference of push.references) {
          sql.addReference.run({
            id,
            manifest: digest,
            digest: reference.digest,
            role: reference.role,
            size: reference.size,
          });
          garbage.unreview(id, reference.digest);
        }
        journal({ op: "put-manifest", name, digest });
      }
      const tags = push.tags.filter((tag) => !isTaken(id, tag, push));
      for (const tag of tags) setTag(id, tag, push, by);
      reviewPushed(id, push, { known, tagged: tags.length > 0 });
      const facts = { name, digest, size: bytes.length, mediaType: push.mediaType, at };
      for (const tag of tags.length > 0 ? tags : [null]) {
        record(by, { action: "push", kind: "manifest", ...facts, tag });
      }
      const kept = push.tags.filter((tag) => !tags.includes(tag));
      return kept.length > 0 ? { missing: [], kept } : { missing: [] };
    },

    removeTag(name, tag, at, by) {
      const id = repositoryId(name);
      const named = id === null ? null : sql.tag.get({ id, tag });
      if (id === null || !named) return null;
      dropTag(id, name, tag, named.digest, removal("deleted", at, by));
      garbage.untag(id, named.digest, at);
      record(by, { action: "delete", kind: "tag", name, tag });
      return { digest: named.digest };
    },

    removeManifest(name, digest, at, by, only) {
      const id = repositoryId(name);
      if (id === null || !sql.hasManifest.get({ id, digest })) {
        return { removed: false, neededBy: [], tags: [] };
      }
      const needed = neededBy(id, digest);
      if (needed.length > 0) return { removed: false, neededBy: needed, tags: [] };
      const tags = sql.tagsOf.all({ id, digest }).map(({ tag }) => tag);
      const others = only ? tags.filter((tag) => !only.includes(tag)) : [];
      if (others.length > 0) return { removed: false, neededBy: [], tags: [], others };
      record(by, { action: "delete", kind: "manifest", name, digest });
      const why = removal("deleted", at, by);
      for (const tag of tags) {
        dropTag(id, name, tag, digest, why);
        record(by, { action: "delete", kind: "tag", name, tag });
      }
      garbage.dropManifest(id, name, digest, why);
      return { removed: true, neededBy: [], tags };
    },

    saveUpload(upload) {
      sql.saveUpload.run({ ...upload });
    },
    removeUpload(id) {
      sql.removeUpload.run({ id });
    },
    retireJournal(id, keep = []) {
      if (keep.length === 0) {
        sql.retireJournal.run({ id });
        sql.retireContents.run({ id });
      } else {
        sql.retireJournalBut.run({ id, keep: JSON.stringify(keep) });
        sql.retireContentsBut.run({ id });
      }
    },
    setSetting(key, value) {
      sql.setSetting.run({ key, value });
    },
    replaceRepository(snapshot) {
      return replaceRepository(db, garbage, snapshot);
    },
    ...events,
    ...sqliteCollectionWrites(db, garbage),
    ...sqliteRetentionWrites(db),
  };
}

/** By a client, not by a collection. */
function removal(reason: string, at: number, by: Who | null | undefined): Removal {
  return { run: null, at, reason, by: by?.actor ?? null };
}

type Named = { id: number; digest: string };
type Linked = { size: number; name: RepositoryName };

function statements(db: Database) {
  return {
    repository: db.query<{ id: number }, { name: string }>(
      "SELECT id FROM repositories WHERE name = $name",
    ),
    addRepository: db.query("INSERT INTO repositories (name) VALUES ($name)"),
    addBlob: db.query(
      `INSERT INTO blobs (digest, size, created_at) VALUES ($digest, $size, $at)
        ${REVIVE}`,
    ),
    blob: db.query<{ size: number; state: string }, { digest: string }>(
      "SELECT size, state FROM blobs WHERE digest = $digest",
    ),
    hasLink: db.query<{ digest: Digest }, Named>(
      "SELECT digest FROM repository_blobs WHERE repository_id = $id AND digest = $digest",
    ),
    seeLink: db.query(
      `UPDATE repository_blobs SET seen_at = max(seen_at, $at)
        WHERE repository_id = $id AND digest = $digest`,
    ),
    addLink: db.query("INSERT INTO repository_blobs VALUES ($id, $digest, $at, $at)"),
    linkedAnywhere: db.query<Linked, { digest: string }>(
      `SELECT b.size, r.name FROM repository_blobs l JOIN blobs b USING (digest)
         JOIN repositories r ON r.id = l.repository_id WHERE l.digest = $digest LIMIT 1`,
    ),
    linkedIn: db.query<Linked, { name: string; digest: string }>(
      `SELECT b.size, r.name FROM repositories r
         JOIN repository_blobs l ON l.repository_id = r.id JOIN blobs b USING (digest)
        WHERE r.name = $name AND l.digest = $digest`,
    ),
    hasManifest: db.query<{ digest: Digest }, Named>(
      "SELECT digest FROM manifests WHERE repository_id = $id AND digest = $digest",
    ),
    addManifest: db.query(
      `INSERT INTO manifests (repository_id, digest, media_type, size, subject, artifact_type,
                              annotations, pushed_at, bytes, pulled_at)
       VALUES ($id, $digest, $mediaType, $size, $subject, $artifactType, $annotations, $at, $bytes,
               ${PULLED_BEFORE})`,
    ),
    seeManifest: db.query(
      `UPDATE manifests SET seen_at = max(seen_at, $at)
        WHERE repository_id = $id AND digest = $digest`,
    ),
    retag: db.query(
      `UPDATE manifests SET untagged_at = NULL
        WHERE repository_id = $id AND digest = $digest AND untagged_at IS NOT NULL`,
    ),
    addReference: db.query(
      `INSERT OR IGNORE INTO manifest_references (repository_id, manifest, digest, role, size)
       VALUES ($id, $manifest, $digest, $role, $size)`,
    ),
    neededBy: db.query<{ manifest: Digest }, Named>(
      `SELECT DISTINCT manifest FROM manifest_references
        WHERE repository_id = $id AND digest = $digest AND manifest <> digest LIMIT 10`,
    ),
    tag: db.query<{ digest: Digest }, { id: number; tag: string }>(
      "SELECT digest FROM tags WHERE repository_id = $id AND name = $tag",
    ),
    tagsOf: db.query<{ tag: Tag }, Named>(
      "SELECT name AS tag FROM tags WHERE repository_id = $id AND digest = $digest ORDER BY name",
    ),
    setTag: db.query(
      `INSERT INTO tags (repository_id, name, digest, pushed_at) VALUES ($id, $tag, $digest, $at)
        ON CONFLICT DO UPDATE SET digest = excluded.digest, pushed_at = excluded.pushed_at`,
    ),
    removeTag: db.query("DELETE FROM tags WHERE repository_id = $id AND name = $tag"),
    addHistory: db.query(
      `INSERT INTO tag_history (repository_id, tag, digest, at) VALUES ($id, $tag, $digest, $at)
        ON CONFLICT DO UPDATE SET at = excluded.at`,
    ),
    removeHistory: db.query("DELETE FROM tag_history WHERE repository_id = $id AND tag = $tag"),
    addJournal: db.query("INSERT INTO journal (entry) VALUES ($entry)"),
    retireJournal: db.query("DELETE FROM journal WHERE id <= $id"),
    addContent: db.query("INSERT OR REPLACE INTO contents VALUES ($digest, $journalId, $content)"),
    retireJournalBut: db.query(
      `DELETE FROM journal WHERE id <= $id
        AND json_extract(entry, '$.name') NOT IN (SELECT value FROM json_each($keep))`,
    ),
    retireContents: db.query("DELETE FROM contents WHERE journal_id <= $id"),
    // By digest: whose entry waits need not be the one who brought the bytes last.
    retireContentsBut: db.query(
      `DELETE FROM contents WHERE journal_id <= $id AND digest NOT IN
        (SELECT json_extract(entry, '$.digest') FROM journal
          WHERE json_extract(entry, '$.op') = 'link-layer')`,
    ),
    saveUpload: db.query(
      `INSERT OR REPLACE INTO uploads (id, repository, started_at, owner)
       VALUES ($id, $name, $startedAt, $owner)`,
    ),
    removeUpload: db.query("DELETE FROM uploads WHERE id = $id"),
    setSetting: db.query("INSERT OR REPLACE INTO settings VALUES ($key, $value)"),
  };
}
