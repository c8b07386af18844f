import type { Digest } from "../../../src/oci/digest.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { RegistryError } from "../../../src/oci/errors.ts";
import { parseName } from "../../../src/oci/name.ts";
import { parseReference, parseTag } from "../../../src/oci/reference.ts";
import { mountBlob, removeBlob } from "../../../src/registry/blobs.ts";
import { putManifest, removeManifest } from "../../../src/registry/manifests.ts";
import { removeTag } from "../../../src/registry/tags.ts";
import type { UploadSession } from "../../../src/registry/upload-sessions.ts";
import { appendChunk, cancelUpload, finishUpload } from "../../../src/registry/uploads.ts";
import type { Fixture } from "../../support/image.ts";
import type { Effects, Op, World } from "./world.ts";

export const UNSAID = { start: null, end: null, length: null };

export async function* inPieces(bytes: Uint8Array, size = 8192): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** What a blob or a manifest of these bytes does to a repository. */
export function linked(repository: string, bytes: Uint8Array): Effects {
  return [[`blob ${repository} ${digestOf(bytes)}`, ""]];
}

/** Pushes bytes in so many requests; the last one closes the upload. */
export function pushBytes(
  repository: string,
  bytes: Uint8Array,
  { requests = 1, sha512 = false }: { requests?: number; sha512?: boolean } = {},
): Op {
  const name = parseName(repository);
  const algorithm = sha512 ? "sha512" : "sha256";
  const digest = digestOf(bytes, algorithm);
  const size = Math.ceil(bytes.length / requests);
  return {
    name: `push ${bytes.length} bytes to ${repository} in ${requests} requests`,
    effects: [[`blob ${repository} ${digest}`, ""]],
    async run({ registry }) {
      const session = registry.uploads.open(name, "sha256", registry.now());
      for (let at = 0; at + size < bytes.length; at += size) {
        await appendChunk(session, inPieces(bytes.slice(at, at + size)), UNSAID, registry);
      }
      const rest = inPieces(bytes.slice(session.offset));
      await finishUpload(session, digest, rest, UNSAID, null, registry);
    },
  };
}

/** Begins an upload, and notes its id under `note`. With `cut`, the client goes away in the middle. */
export function beginUpload(repository: string, bytes: Uint8Array, note: string, cut = false): Op {
  return {
    name: `begin an upload to ${repository}`,
    effects: [],
    async run({ registry, notes }) {
      const session = registry.uploads.open(parseName(repository), "sha256", registry.now());
      const source = async function* (): AsyncGenerator<Uint8Array> {
        yield* inPieces(bytes);
        if (cut) throw new DOMException("the client went away", "AbortError");
      };
      await appendChunk(session, source(), UNSAID, registry).catch((error: unknown) => {
        if (!cut || (error as Error).name !== "AbortError") throw error;
      });
      notes.set(note, session.id);
    },
  };
}

/** Goes on with a noted upload where it is, from the beginning if it is gone. */
export function finishNoted(repository: string, bytes: Uint8Array, note: string): Op {
  const name = parseName(repository);
  return {
    name: `finish the upload to ${repository}`,
    effects: linked(repository, bytes),
    async run({ registry, notes }) {
      const session = noted(name, notes.get(note) ?? "", registry);
      const rest = inPieces(bytes.slice(session.offset));
      await finishUpload(session, digestOf(bytes), rest, UNSAID, null, registry);
    },
  };
}

function noted(
  name: ReturnType<typeof parseName>,
  id: string,
  registry: World["registry"],
): UploadSession {
  try {
    return registry.uploads.find(name, id);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return registry.uploads.open(name, "sha256", registry.now());
  }
}

export function cancelNoted(repository: string, note: string): Op {
  return {
    name: "cancel the upload",
    effects: [],
    async run({ registry, notes }) {
      await cancelUpload(noted(parseName(repository), notes.get(note) ?? "", registry), registry);
    },
  };
}

/** Sends other bytes than it says, which is refused. */
export function pushWrong(repository: string, bytes: Uint8Array, digest: Digest): Op {
  return {
    name: "push bytes under the digest of others",
    effects: [],
    async run({ registry }) {
      const session = registry.uploads.open(parseName(repository), "sha256", registry.now());
      const refused = await finishUpload(
        session,
        digest,
        inPieces(bytes),
        UNSAID,
        null,
        registry,
      ).then(
        () => null,
        (error: unknown) => error,
      );
      if (!(refused instanceof RegistryError) || refused.kind !== "DIGEST_INVALID") {
        throw refused instanceof Error ? refused : new Error("wrong bytes were taken");
      }
    },
  };
}

export function mount(from: string, to: string, bytes: Uint8Array): Op {
  return {
    name: `mount from ${from} to ${to}`,
    effects: linked(to, bytes),
    async run({ registry }) {
      const done = await mountBlob(parseName(to), digestOf(bytes), parseName(from), null, registry);
      if (!done) throw new Error("there was nothing to mount");
    },
  };
}

/** The manifest alone, by tag or (null) by digest. */
export function put(
  repository: string,
  image: Fixture,
  tag: string | null,
  more: string[] = [],
): Op {
  const tags = [...(tag === null ? [] : [tag]), ...more];
  return {
    name: `put ${tag ?? "by digest"} in ${repository}`,
    effects: [
      [`manifest ${repository} ${image.digest}`, ""],
      ...tags.map((one) => [`tag ${repository} ${one}`, image.digest] as const),
    ],
    async run({ registry }) {
      const push = {
        name: parseName(repository),
        reference: parseReference(tag ?? image.digest),
        tags: more.map(parseTag),
        contentType: image.mediaType,
        bytes: image.bytes,
      };
      await putManifest(push, null, registry);
    },
  };
}

/** Everything that an image needs, and the image. */
export function pushImage(repository: string, image: Fixture, tag: string | null): Op[] {
  return [
    ...image.children.flatMap((child) => pushImage(repository, child, null)),
    ...image.blobs.map(({ bytes }) => pushBytes(repository, bytes)),
    put(repository, image, tag),
  ];
}

export function untag(repository: string, tag: string): Op {
  return {
    name: `remove tag ${tag}`,
    effects: [[`tag ${repository} ${tag}`, null]],
    run: ({ registry }) => removeTag(parseName(repository), parseTag(tag), null, registry),
  };
}

export function remove(repository: string, image: Fixture, ...tags: string[]): Op {
  return {
    name: `remove a manifest with ${tags.length} tags`,
    effects: [
      [`manifest ${repository} ${image.digest}`, null],
      ...tags.map((tag) => [`tag ${repository} ${tag}`, null] as const),
    ],
    run: ({ registry }) =>
      removeManifest(parseName(repository), image.digest as Digest, null, registry),
  };
}

export function unlink(repository: string, bytes: Uint8Array): Op {
  return {
    name: "remove a blob",
    effects: [[`blob ${repository} ${digestOf(bytes)}`, null]],
    run: ({ registry }) => removeBlob(parseName(repository), digestOf(bytes), null, registry),
  };
}

export function together(...ops: Op[]): Op {
  return { name: "at the same time", effects: [], run: async () => {}, together: ops };
}

export const follow: Op = { name: "follow", effects: [], run: (world) => world.follow() };
export const save: Op = {
  name: "save uploads",
  effects: [],
  run: ({ registry }) => registry.uploads.save(),
};
export const restart: Op = {
  name: "restart",
  effects: [],
  starts: true,
  run: (world) => world.restart(),
};
