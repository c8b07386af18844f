import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { Metadata } from "../metadata/metadata.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { type DigestAlgorithm, digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { UPLOADS, uploadPath } from "../storage/tree.ts";
import { findBlob, openBlob } from "./blobs.ts";
import type { Registry } from "./registry.ts";
import { SMALL } from "./upload-bytes.ts";
import { Gone, body, bytesFrom, newRegistry, outcome } from "./upload-fixtures.ts";
import { type UploadSession, UploadSessions } from "./upload-sessions.ts";
import type { Announced } from "./upload-state.ts";
import { appendChunk, cancelUpload, finishUpload } from "./uploads.ts";

const NAME = parseName("team/app");
const OTHER_NAME = parseName("team/other");

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

/** What should be known of one upload. */
interface Model {
  /** Null: there is no upload. */
  accepted: Uint8Array | null;
  /** A stop has recorded it, so that a kill does not lose it. */
  saved: boolean;
}

/** What there is. */
interface World {
  registry: Registry;
  id: string;
}

interface ChunkShape {
  readonly seed: number;
  readonly length: number;
  /** It arrives in pieces of so many bytes. */
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
  seed: fc.nat(255),
  // Small uploads stay in memory: some must stay below that size, some go beyond it.
  length: fc.oneof(fc.nat(12), fc.constantFrom(SMALL / 2, SMALL, SMALL + 1)),
  piece: fc.constantFrom(1000, 5000, SMALL),
  shift: fc.option(mostly(0, fc.integer({ min: -12, max: 3 })), { freq: 3 }),
  rangeLie: lie,
  lengthLie: fc.option(lie, { freq: 3 }),
  cut: mostly<number | null>(null, fc.oneof(fc.nat(12), fc.nat(SMALL))),
});

function announcedBy(shape: ChunkShape, offset: number): Announced {
  const { length, shift, rangeLie, lengthLie } = shape;
  const start = shift === null ? null : Math.max(0, offset + shift);
  const end = start === null ? null : Math.max(0, start + length + rangeLie - 1);
  return { start, end, length: lengthLie === null ? null : Math.max(0, length + lengthLie) };
}

function bodyOf({ seed, length, piece, cut }: ChunkShape): AsyncGenerator<Uint8Array> {
  return body(bytesFrom(seed, length), piece, cut);
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
  const arrived = bytesFrom(shape.seed, shape.length).subarray(0, shape.cut ?? shape.length);
  if (expected !== null && arrived.length > expected) return refused("SIZE_INVALID");
  const after = new Uint8Array(Buffer.concat([before, arrived]));
  if (shape.cut !== null) return { after, ends: new Gone() };
  return expected !== null && arrived.length !== expected
    ? refused("SIZE_INVALID")
    : { after, ends: undefined };
}

async function expectAgreement({ registry, id }: World, { accepted }: Model): Promise<void> {
  if (accepted === null) {
    expect(await outcome(() => registry.uploads.find(NAME, id))).toBe("UPLOAD_UNKNOWN");
    expect(await registry.storage.stat(uploadPath(id))).toBeNull();
    return;
  }
  const session = registry.uploads.find(NAME, id);
  expect(session.offset).toBe(accepted.length);
  const held = await Array.fromAsync((await session.bytes.read(session.offset)) ?? []);
  expect(Buffer.concat(held).equals(accepted)).toBe(true);
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
    const source = bodyOf(shape);
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
      const source = shape.length === 0 && shape.cut === null ? null : bodyOf(shape);
      const digest = digestOf(rightDigest ? after : bytesFrom(1, after.length + 1), algorithm);
      const got = await outcome(() =>
        finishUpload(sessionOf(world), digest, source, announced, null, world.registry),
      );
      model.accepted = ends === undefined ? null : after;
      if (ends !== undefined || !rightDigest) {
        expect(got).toEqual(ends ?? "DIGEST_INVALID");
        return;
      }
      expect(got).toEqual({ digest, size: after.length });
      const blob = await findBlob(NAME, digest, world.registry);
      expect(blob.size).toBe(after.length);
      const stored = new Response((await openBlob(blob, undefined, world.registry)).body);
      expect(Buffer.from(await stored.bytes()).equals(after)).toBe(true);
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
        const world: World = { registry: newRegistry(metadata), id: "" };
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
});
