import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { Metadata } from "../metadata/metadata.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { type DigestAlgorithm, digestOf } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import { parseName } from "../oci/name.ts";
import { memoryStorage } from "../storage/memory.ts";
import type { Storage } from "../storage/storage.ts";
import { UPLOADS, blobPath, uploadPath } from "../storage/tree.ts";
import type { Registry } from "./registry.ts";
import { type UploadSession, UploadSessions } from "./upload-sessions.ts";
import type { Announced } from "./upload-state.ts";
import { type Bytes, appendChunk, cancelUpload, finishUpload } from "./uploads.ts";

const NAME = parseName("team/app");
const OTHER_NAME = parseName("team/other");
const UNSAID: Announced = { start: null, end: null, length: null };

/** What a call comes to: its value, or the kind of its refusal. */
async function outcome(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return error instanceof RegistryError ? error.kind : error;
  }
}

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

function newRegistry(storage: Storage = memoryStorage()): Registry {
  const rules = { delete: true, sparse: false, maxManifestSize: 1000 };
  return {
    metadata,
    storage,
    rules,
    now: () => 1000,
    uploads: new UploadSessions(metadata, storage),
  };
}

class Gone extends Error {}

/** A request's body in pieces of `piece` bytes; with `cut`, its client goes away after so many bytes. */
async function* body(
  bytes: Uint8Array,
  piece: number,
  cut: number | null = null,
): AsyncGenerator<Uint8Array> {
  const sent = cut === null ? bytes : bytes.subarray(0, cut);
  for (let at = 0; at < sent.length; at += piece) yield sent.slice(at, at + piece);
  if (cut !== null) throw new Gone();
}

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A model of one upload, for which any requests may come. */

interface Model {
  /** Null: there is no upload. */
  accepted: Uint8Array | null;
  /** A stop has recorded it, so that a kill does not lose it. */
  saved: boolean;
}

interface World {
  registry: Registry;
  id: string;
}

interface ChunkShape {
  readonly bytes: Uint8Array;
  readonly piece: number;
  /** How far from the upload's end the chunk says that it begins; null: it does not say. */
  readonly shift: number | null;
  /** By how much the announced range is longer than the bytes. */
  readonly rangeLie: number;
  /** By how much Content-Length is more than the bytes; null: it is absent. */
  readonly lengthLie: number | null;
  /** The client goes away after so many bytes; null: it stays. */
  readonly cut: number | null;
}

/** Mostly the usual, now and then something else. */
const mostly = <T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
const lie = mostly(0, fc.integer({ min: -2, max: 2 }));
const chunkShape: fc.Arbitrary<ChunkShape> = fc.record({
  bytes: fc.uint8Array({ maxLength: 12 }),
  piece: fc.integer({ min: 1, max: 12 }),
  shift: fc.option(mostly(0, fc.integer({ min: -12, max: 3 })), { freq: 3 }),
  rangeLie: lie,
  lengthLie: fc.option(lie, { freq: 3 }),
  cut: mostly<number | null>(null, fc.nat(12)),
});

function announcedBy({ bytes, shift, rangeLie, lengthLie }: ChunkShape, offset: number): Announced {
  const start = shift === null ? null : Math.max(0, offset + shift);
  const end = start === null ? null : Math.max(0, start + bytes.length + rangeLie - 1);
  return { start, end, length: lengthLie === null ? null : Math.max(0, bytes.length + lengthLie) };
}

/** What should come of a chunk: what the upload holds then, and how the request ends. */
function expectedOf(shape: ChunkShape, before: Uint8Array): { after: Uint8Array; ends: unknown } {
  const { start, end, length } = announcedBy(shape, before.length);
  const refused = (kind: string) => ({ after: before, ends: kind });
  let expected = length;
  if (start !== null && end !== null) {
    expected = end - start + 1;
    if (expected < 0 || (length !== null && length !== expected)) return refused("SIZE_INVALID");
    if (start !== before.length) return refused("UPLOAD_OUT_OF_ORDER");
  }
  const arrived = shape.cut === null ? shape.bytes : shape.bytes.subarray(0, shape.cut);
  if (expected !== null && arrived.length > expected) return refused("SIZE_INVALID");
  const after = new Uint8Array(Buffer.concat([before, arrived]));
  if (shape.cut !== null) return { after, ends: new Gone() };
  return expected !== null && arrived.length !== expected
    ? refused("SIZE_INVALID")
    : { after, ends: undefined };
}

async function expectAgreement({ registry, id }: World, { accepted }: Model): Promise<void> {
  const stored = await registry.storage.readSmall(uploadPath(id));
  if (accepted === null) {
    expect(() => registry.uploads.find(NAME, id)).toThrow(
      expect.objectContaining({ kind: "UPLOAD_UNKNOWN" }),
    );
    expect(stored).toBeNull();
    return;
  }
  expect(registry.uploads.find(NAME, id).offset).toBe(accepted.length);
  expect(Buffer.from(stored ?? []).toString("hex")).toBe(Buffer.from(accepted).toString("hex"));
}

type Command = fc.AsyncCommand<Model, World>;

/** A request to the upload; when there is none, one is started for it. */
function onUpload(
  name: string,
  run: (accepted: Uint8Array, model: Model, world: World) => Promise<void>,
): Command {
  return {
    check: () => true,
    async run(model, world) {
      if (model.accepted === null) begin("sha256", model, world);
      await run(model.accepted ?? new Uint8Array(), model, world);
      await expectAgreement(world, model);
    },
    toString: () => name,
  };
}

function begin(algorithm: DigestAlgorithm, model: Model, world: World): void {
  world.id = world.registry.uploads.open(NAME, algorithm, 1000).id;
  model.accepted = new Uint8Array();
  model.saved = false;
}

const sessionOf = ({ registry, id }: World): UploadSession => registry.uploads.find(NAME, id);

const start = (algorithm: DigestAlgorithm): Command => ({
  check: ({ accepted }) => accepted === null,
  async run(model, world) {
    begin(algorithm, model, world);
    await expectAgreement(world, model);
  },
  toString: () => `start(${algorithm})`,
});

const append = (shape: ChunkShape): Command =>
  onUpload(`append(${JSON.stringify(shape)})`, async (accepted, model, world) => {
    const { after, ends } = expectedOf(shape, accepted);
    const announced = announcedBy(shape, accepted.length);
    const source = body(shape.bytes, shape.piece, shape.cut);
    expect(
      await outcome(() => appendChunk(sessionOf(world), source, announced, world.registry)),
    ).toEqual(ends);
    model.accepted = after;
  });

const finish = (shape: ChunkShape, algorithm: DigestAlgorithm, rightDigest: boolean): Command =>
  onUpload(
    `finish(${JSON.stringify(shape)}, ${algorithm}, ${rightDigest})`,
    async (accepted, model, world) => {
      const { after, ends } = expectedOf(shape, accepted);
      const announced = announcedBy(shape, accepted.length);
      const source: Bytes =
        shape.bytes.length > 0 || shape.cut !== null
          ? body(shape.bytes, shape.piece, shape.cut)
          : null;
      const digest = digestOf(
        rightDigest ? after : Buffer.concat([after, bytesOf("!")]),
        algorithm,
      );
      const got = await outcome(() =>
        finishUpload(sessionOf(world), digest, source, announced, world.registry),
      );
      model.accepted = ends === undefined ? null : after;
      if (ends !== undefined || !rightDigest) {
        expect(got).toEqual(ends ?? "DIGEST_INVALID");
        return;
      }
      expect(got).toEqual({ digest, size: after.length });
      expect(await metadata.findBlob(NAME, digest)).toEqual({ digest, size: after.length });
      const blob = await world.registry.storage.readSmall(blobPath(digest));
      expect(digestOf(blob ?? bytesOf("?"), algorithm)).toBe(digest);
    },
  );

const cancel = (): Command =>
  onUpload("cancel", async (_, model, world) => {
    await cancelUpload(sessionOf(world), world.registry);
    model.accepted = null;
  });

const restart = (killed: boolean): Command =>
  onUpload(killed ? "kill" : "restart", async (accepted, model, world) => {
    if (!killed) await world.registry.uploads.save();
    model.saved ||= !killed && accepted.length > 0;
    if (!model.saved) model.accepted = null;
    const { storage } = world.registry;
    const uploads = new UploadSessions(metadata, storage);
    await uploads.restore(2000);
    world.registry = { ...world.registry, uploads };
  });

const fromElsewhere = (): Command =>
  onUpload("find(from another repository)", async (_, __, { registry, id }) => {
    expect(await outcome(() => registry.uploads.find(OTHER_NAME, id))).toBe("UPLOAD_UNKNOWN");
  });

describe("an upload", () => {
  const algorithm = fc.constantFrom<DigestAlgorithm>("sha256", "sha512");
  const usually = mostly(true, fc.constant(false));
  const commands = fc.commands<Model, World, false>(
    [
      algorithm.map(start),
      ...Array.from({ length: 5 }, () => chunkShape.map(append)),
      fc
        .tuple(chunkShape, algorithm, usually)
        .map(([shape, name, right]) => finish(shape, name, right)),
      fc.constant(cancel()),
      fc.boolean().map(restart),
      fc.constant(fromElsewhere()),
    ],
    { maxCommands: 30, size: "max" },
  );

  test("holds exactly the bytes of the chunks that were accepted, whatever comes, in whatever order, with restarts between", async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (sequence) => {
        const world: World = { registry: newRegistry(), id: "" };
        const model: Model = { accepted: null, saved: false };
        await fc.asyncModelRun(() => ({ model, real: world }), sequence);

        const left = await Array.fromAsync(
          world.registry.storage.list(UPLOADS),
          ({ name }) => name,
        );
        expect(left.filter((name) => name !== world.id)).toEqual([]);
        for (const { id } of await metadata.listUploads()) await metadata.removeUpload(id);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  test("takes one request at a time: another one is told so", async () => {
    const registry = newRegistry();
    const session = registry.uploads.open(NAME, "sha256", 1000);
    const { promise: more, resolve: send } = Promise.withResolvers<Uint8Array>();
    const first = appendChunk(session, slowly(bytesOf("ab"), more), UNSAID, registry);

    const second = outcome(() => appendChunk(session, body(bytesOf("xy"), 1), UNSAID, registry));
    expect(await second).toBe("UPLOAD_BUSY");
    send(bytesOf("cd"));
    await first;

    expect(session.offset).toBe(4);
    expect(await registry.storage.readSmall(uploadPath(session.id))).toEqual(bytesOf("abcd"));
  });

  async function* slowly(first: Uint8Array, rest: Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
    yield first;
    yield await rest;
  }

  test("can not be ended twice at once: one of two finishing requests makes the blob", async () => {
    const registry = newRegistry();
    const session = registry.uploads.open(NAME, "sha256", 1000);
    const digest = digestOf(bytesOf("abc"));

    const ends = await Promise.all(
      [1, 2].map(() =>
        outcome(() => finishUpload(session, digest, body(bytesOf("abc"), 2), UNSAID, registry)),
      ),
    );

    expect(ends).toContainEqual({ digest, size: 3 });
    expect(ends.filter((end) => end === "UPLOAD_BUSY" || end === "UPLOAD_UNKNOWN")).toHaveLength(1);
    expect(await registry.storage.readSmall(blobPath(digest))).toEqual(bytesOf("abc"));
  });

  test("expires from its last touch, with its bytes, and not while a request is at it", async () => {
    const registry = newRegistry();
    const old = registry.uploads.open(NAME, "sha256", 1000);
    await appendChunk(old, body(bytesOf("old"), 3), UNSAID, registry);
    const fresh = registry.uploads.open(NAME, "sha256", 5000);
    const busy = registry.uploads.open(NAME, "sha256", 1000);
    const { promise: more, resolve: send } = Promise.withResolvers<Uint8Array>();
    const writing = appendChunk(busy, slowly(bytesOf("ab"), more), UNSAID, registry);
    await Bun.sleep(1);

    expect(await registry.uploads.expire(1001)).toBe(1);
    send(bytesOf("cd"));
    await writing;

    expect(await outcome(() => registry.uploads.find(NAME, old.id))).toBe("UPLOAD_UNKNOWN");
    expect(await registry.storage.stat(uploadPath(old.id))).toBeNull();
    expect(registry.uploads.find(NAME, fresh.id)).toBe(fresh);
    expect(registry.uploads.find(NAME, busy.id).offset).toBe(4);
  });
});

describe("an upload on a failing disk", () => {
  /** A storage whose writers fail in one method, for the first `times` calls. */
  function failing(method: "write" | "sync" | "close", times = 1): Storage {
    const inner = memoryStorage();
    let left = times;
    return {
      ...inner,
      async append(path, offset) {
        const writer = await inner.append(path, offset);
        const real = writer[method].bind(writer) as (chunk: Uint8Array) => Promise<void>;
        const fails = async (chunk: Uint8Array): Promise<void> => {
          if (left-- <= 0) return await real(chunk);
          throw Object.assign(new Error("the disk failed"), { code: "EIO" });
        };
        return { ...writer, [method]: fails };
      },
    };
  }

  const failed = expect.objectContaining({ code: "EIO" });

  test("is where it was before when a chunk can not be written, and goes on from there", async () => {
    const registry = newRegistry(failing("write"));
    const session = registry.uploads.open(NAME, "sha256", 1000);

    expect(
      await outcome(() => appendChunk(session, body(bytesOf("ab"), 1), UNSAID, registry)),
    ).toEqual(failed);
    expect(session.offset).toBe(0);
    await appendChunk(session, body(bytesOf("cd"), 1), UNSAID, registry);

    expect(
      await finishUpload(session, digestOf(bytesOf("cd")), null, UNSAID, registry),
    ).toMatchObject({ size: 2 });
  });

  test("is where it was before when the last bytes of a chunk do not reach the disk", async () => {
    const registry = newRegistry(failing("close"));
    const session = registry.uploads.open(NAME, "sha256", 1000);

    expect(
      await outcome(() => appendChunk(session, body(bytesOf("ab"), 1), UNSAID, registry)),
    ).toEqual(failed);

    expect(session.offset).toBe(0);
  });

  // After a failed sync the system may have dropped the pages and counts them as written: a second one
  // would succeed without them, also for chunks that were written long before.
  test("is given up when a sync fails: nothing that it holds can be trusted", async () => {
    const registry = newRegistry(failing("sync"));
    const session = registry.uploads.open(NAME, "sha256", 1000);
    const digest = digestOf(bytesOf("abcd"));
    await appendChunk(session, body(bytesOf("ab"), 1), UNSAID, registry);

    expect(
      await outcome(() => finishUpload(session, digest, body(bytesOf("cd"), 1), UNSAID, registry)),
    ).toEqual(failed);
    const again = await outcome(() =>
      finishUpload(session, digest, body(bytesOf("cd"), 1), UNSAID, registry),
    );

    expect(again).toBe("UPLOAD_UNKNOWN");
    expect(await registry.storage.stat(uploadPath(session.id))).toBeNull();
  });
});
