import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Metadata } from "../metadata/metadata.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { memoryStorage } from "../storage/memory.ts";
import type { ObjectWriter, Storage } from "../storage/storage.ts";
import { uploadPath } from "../storage/tree.ts";
import { findBlob, openBlob } from "./blobs.ts";
import type { Registry } from "./registry.ts";
import { SMALL } from "./upload-bytes.ts";
import { UNSAID, body, bytesFrom, newRegistry, outcome } from "./upload-fixtures.ts";
import { UploadSessions } from "./upload-sessions.ts";
import { appendChunk, finishUpload } from "./uploads.ts";

const NAME = parseName("team/app");

/** Too much to stay in memory. */
const LARGE = bytesFrom(1, SMALL + 100);
const MORE = bytesFrom(2, 500);

let folder: string;
let metadata: Metadata;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wharf-test-"));
  metadata = await openSqlite(join(folder, "metadata.sqlite"));
});

afterAll(async () => {
  await metadata.close();
  await rm(folder, { recursive: true });
});

/** A body whose last part comes when the test says so. */
async function* slowly(first: Uint8Array, last: Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield await last;
}

async function contentOf(bytes: Uint8Array, registry: Registry): Promise<Uint8Array> {
  const blob = await findBlob(NAME, digestOf(bytes), registry);
  return await new Response((await openBlob(blob, undefined, registry)).body).bytes();
}

describe("two requests to one upload", () => {
  test("that both bring bytes: the second is told that the first is at it, and spoils nothing", async () => {
    const registry = newRegistry(metadata);
    const session = registry.uploads.open(NAME, "sha256", 1000);
    const { promise: last, resolve: send } = Promise.withResolvers<Uint8Array>();
    const first = appendChunk(session, slowly(LARGE, last), UNSAID, registry);

    expect(await outcome(() => appendChunk(session, body(MORE), UNSAID, registry))).toBe(
      "UPLOAD_BUSY",
    );
    send(MORE);
    await first;

    const whole = Buffer.concat([LARGE, MORE]);
    await finishUpload(session, digestOf(whole), null, UNSAID, null, registry);
    expect(Buffer.from(await contentOf(whole, registry)).equals(whole)).toBe(true);
  });

  test("that come one shortly after the other: the second waits", async () => {
    const registry = newRegistry(metadata);
    const session = registry.uploads.open(NAME, "sha256", 1000);
    const { promise: last, resolve: send } = Promise.withResolvers<Uint8Array>();
    const first = appendChunk(session, slowly(LARGE, last), UNSAID, registry);
    const second = appendChunk(session, body(MORE), UNSAID, registry);
    await Bun.sleep(5);
    send(MORE);

    await Promise.all([first, second]);

    expect(session.offset).toBe(LARGE.length + 2 * MORE.length);
  });

  test.each([
    ["small", MORE],
    ["large", LARGE],
  ])("that both end it: one makes the blob, the other finds no upload (%s)", async (_, bytes) => {
    const registry = newRegistry(metadata);
    const session = registry.uploads.open(NAME, "sha256", 1000);
    const digest = digestOf(bytes);

    const ends = await Promise.all(
      [1, 2].map(() =>
        outcome(() => finishUpload(session, digest, body(bytes), UNSAID, null, registry)),
      ),
    );

    expect(ends).toContainEqual({ digest, size: bytes.length });
    expect(ends.filter((end) => end === "UPLOAD_BUSY" || end === "UPLOAD_UNKNOWN")).toHaveLength(1);
    expect(Buffer.from(await contentOf(bytes, registry)).equals(bytes)).toBe(true);
  });
});

describe("an upload that nobody goes on with", () => {
  test("expires a week after its last touch, with its bytes, and not while a request is at it", async () => {
    const week = 7 * 24 * 3600 * 1000;
    const registry = newRegistry(metadata);
    const old = registry.uploads.open(NAME, "sha256", 1000);
    await appendChunk(old, body(LARGE), UNSAID, registry);
    const fresh = registry.uploads.open(NAME, "sha256", old.touchedAt + week);
    const busy = registry.uploads.open(NAME, "sha256", 1000);
    const { promise: last, resolve: send } = Promise.withResolvers<Uint8Array>();
    const writing = appendChunk(busy, slowly(LARGE, last), UNSAID, registry);
    await Bun.sleep(1);

    expect(await registry.uploads.expire(old.touchedAt + week)).toBe(0);
    expect(await registry.uploads.expire(old.touchedAt + week + 1)).toBe(1);
    send(MORE);
    await writing;

    expect(await outcome(() => registry.uploads.find(NAME, old.id))).toBe("UPLOAD_UNKNOWN");
    expect(await registry.storage.stat(uploadPath(old.id))).toBeNull();
    expect(registry.uploads.find(NAME, fresh.id)).toBe(fresh);
    expect(busy.offset).toBe(LARGE.length + MORE.length);
  });

  test("expires after an hour when it never had a byte", async () => {
    const registry = newRegistry(metadata);
    registry.uploads.open(NAME, "sha256", 1000);

    expect(await registry.uploads.expire(1000 + 3600 * 1000)).toBe(0);
    expect(await registry.uploads.expire(1001 + 3600 * 1000)).toBe(1);
  });

  test("is found by a later life of the registry although it could not be recorded at once", async () => {
    let refusals = 1;
    const saveUpload: Metadata["saveUpload"] = async (upload) => {
      if (refusals-- > 0) throw new Error("the database is busy");
      await metadata.saveUpload(upload);
    };
    const registry = newRegistry({ ...metadata, saveUpload });
    const session = registry.uploads.open(NAME, "sha256", 1000);
    await appendChunk(session, body(MORE), UNSAID, registry);

    await registry.uploads.save().catch(() => undefined);
    await registry.uploads.save();
    const later = new UploadSessions(metadata, registry.storage);
    await later.restore(2000);

    expect(later.find(NAME, session.id).offset).toBe(MORE.length);
  });
});

describe("an upload on a failing disk", () => {
  /** A storage whose writers fail in one method, once. */
  function failing(method: keyof ObjectWriter): Storage {
    const inner = memoryStorage();
    let failures = 1;
    return {
      ...inner,
      async append(path, offset) {
        const writer = await inner.append(path, offset);
        const real = writer[method].bind(writer) as (chunk: Uint8Array) => Promise<void>;
        const fails = async (chunk: Uint8Array): Promise<void> => {
          if (failures-- <= 0) return await real(chunk);
          throw Object.assign(new Error("the disk failed"), { code: "EIO" });
        };
        return { ...writer, [method]: fails };
      },
    };
  }

  const broken = expect.objectContaining({ code: "EIO" });

  // The system may have dropped the pages and count them as written: a later sync would succeed without
  // them, also for chunks that were written long before.
  test.each(["write", "close"] as const)(
    "is given up when a chunk fails in %s: nothing that it holds can be trusted",
    async (method) => {
      const registry = newRegistry(metadata, failing(method));
      const session = registry.uploads.open(NAME, "sha256", 1000);
      await appendChunk(session, body(MORE), UNSAID, registry);

      expect(await outcome(() => appendChunk(session, body(LARGE), UNSAID, registry))).toEqual(
        broken,
      );

      expect(await outcome(() => registry.uploads.find(NAME, session.id))).toBe("UPLOAD_UNKNOWN");
      expect(await registry.storage.stat(uploadPath(session.id))).toBeNull();
    },
  );

  test("is given up when a sync fails: nothing that it holds can be trusted", async () => {
    const registry = newRegistry(metadata, failing("sync"));
    const session = registry.uploads.open(NAME, "sha256", 1000);
    const digest = digestOf(LARGE);
    const finish = async (): Promise<unknown> =>
      await outcome(() => finishUpload(session, digest, null, UNSAID, null, registry));
    await appendChunk(session, body(LARGE), UNSAID, registry);

    expect(await finish()).toEqual(broken);

    expect(await finish()).toBe("UPLOAD_UNKNOWN");
    expect(await registry.storage.stat(uploadPath(session.id))).toBeNull();
  });
});
