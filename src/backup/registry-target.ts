import type { Connection } from "../client/connection.ts";
import { resolveDigest } from "../client/manifests.ts";
import { inParallel } from "../client/parallel.ts";
import { hasBlob, mountBlob, pushBlob, putManifest } from "../client/push.ts";
import { type StoredManifest, readStoredManifest } from "../metadata/stored-manifest.ts";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Reference, Tag } from "../oci/reference.ts";
import { type FoundBlob, blobsOf } from "./blobs-of.ts";
import { childrenFirst } from "./children-first.ts";
import type { PlannedRepository, RestorePlan, TagsNow } from "./plan.ts";
import type { Bringing, Missing, RestoreTarget, Restored } from "./target.ts";

/** Questions that are under way at the same time. */
const ASKING = 8;

/** A running registry, ours or another one: everything is pushed, as by any client. */
export function openRegistryTarget(connection: Connection): RestoreTarget {
  const tagsNow: TagsNow = async (name, tags) => {
    const now = new Map<Tag, Digest>();
    const asked = inParallel(tags, ASKING, async (tag) => {
      return { tag, digest: await digestNow(connection, name, tag) };
    });
    for await (const { tag, digest } of asked) if (digest) now.set(tag, digest);
    return now.size > 0 ? now : null;
  };
  return {
    name: connection.address.origin,
    tagsNow,
    async missing(plan): Promise<Missing> {
      const lacking = await lackingIn(plan, connection);
      const digests = new Set([...lacking.blobs.keys(), ...lacking.manifestDigests]);
      const bytes = [...digests].reduce((sum, one) => sum + (plan.blobs.get(one)?.size ?? 0), 0);
      return { blobs: digests.size, bytes, links: lacking.links };
    },
    async restore(plan, bringing): Promise<Restored> {
      return await push(plan, connection, bringing);
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Null when there is no such tag or manifest. */
async function digestNow(
  connection: Connection,
  name: RepositoryName,
  reference: Reference,
): Promise<Digest | null> {
  try {
    return await resolveDigest(connection, name, reference);
  } catch (error) {
    const kind = error instanceof RegistryError ? error.kind : null;
    if (kind === "MANIFEST_UNKNOWN" || kind === "NAME_UNKNOWN") return null;
    throw error;
  }
}

/** What the registry does not have of a plan. */
interface Lacking {
  /** Each blob with the repositories that lack it. */
  readonly blobs: ReadonlyMap<Digest, readonly RepositoryName[]>;
  readonly manifests: ReadonlyMap<RepositoryName, ReadonlySet<Digest>>;
  readonly manifestDigests: ReadonlySet<Digest>;
  /** Of layers, manifests and tags. */
  readonly links: number;
}

async function lackingIn({ repositories }: RestorePlan, connection: Connection): Promise<Lacking> {
  const blobs = new Map<Digest, RepositoryName[]>();
  const manifests = new Map<RepositoryName, Set<Digest>>();
  const manifestDigests = new Set<Digest>();
  let links = 0;
  for (const { name, layers, manifests: all, planned } of repositories) {
    const layersThere = inParallel(layers, ASKING, async (digest) => {
      return { digest, isThere: await hasBlob(connection, name, digest) };
    });
    for await (const { digest, isThere } of layersThere) {
      if (!isThere) blobs.set(digest, [...(blobs.get(digest) ?? []), name]);
      links += isThere ? 0 : 1;
    }
    const manifestsThere = inParallel(all, ASKING, async (digest) => {
      return { digest, isThere: (await digestNow(connection, name, digest)) !== null };
    });
    const own = new Set<Digest>();
    for await (const { digest, isThere } of manifestsThere) {
      if (isThere) continue;
      own.add(digest);
      manifestDigests.add(digest);
      links++;
    }
    manifests.set(name, own);
    links += planned.filter(({ does }) => does === "added" || does === "moved").length;
  }
  return { blobs, manifests, manifestDigests, links };
}

async function push(
  plan: RestorePlan,
  connection: Connection,
  bringing: Bringing,
): Promise<Restored> {
  const lacking = await lackingIn(plan, connection);
  const wanted = new Set([...lacking.blobs.keys(), ...manifestsOf(plan, lacking)]);
  const needed = new Map([...plan.blobs].filter(([digest]) => wanted.has(digest)));
  const done = { blobs: 0, bytes: 0 };
  const refused: string[] = [];
  /** They are small, and are put when all that they name is there. */
  const manifests = new Map<Digest, Uint8Array<ArrayBuffer>>();
  const kept = manifestsOf(plan, lacking);
  for await (const found of blobsOf(needed)) {
    const { digest, size } = found;
    const bytes = kept.has(digest) ? await whole(found) : null;
    if (bytes) manifests.set(digest, bytes);
    const names = lacking.blobs.get(digest) ?? [];
    if (names.length > 0) {
      await pushOnce(
        { ...found, body: bytes ? once(bytes) : found.body },
        names,
        connection,
        refused,
      );
    }
    done.blobs++;
    done.bytes += size;
    bringing({ ...done, of: needed.size });
  }
  for (const repository of plan.repositories) {
    const own = lacking.manifests.get(repository.name) ?? new Set();
    await putManifests(repository, own, manifests, connection, refused);
  }
  return { ...done, refused };
}

/** Those that are put: they are lacking, or a tag shall name them. */
function manifestsOf({ repositories }: RestorePlan, { manifestDigests }: Lacking): Set<Digest> {
  const all = new Set(manifestDigests);
  for (const { planned } of repositories) {
    for (const { digest, does } of planned)
      if (does === "added" || does === "moved") all.add(digest);
  }
  return all;
}

async function whole({ body }: FoundBlob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(Buffer.concat(await Array.fromAsync(body)));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** To the first repository the bytes are sent; the others mount it from there. */
async function pushOnce(
  { digest, body }: FoundBlob,
  [first, ...others]: readonly RepositoryName[],
  connection: Connection,
  refused: string[],
): Promise<void> {
  if (first === undefined) return;
  await pushBlob(connection, first, digest, body);
  for (const name of others) {
    if (await mountBlob(connection, name, digest, first)) continue;
    refused.push(`${name}@${digest}: it cannot be mounted from ${first}; run the restore again`);
  }
}

async function putManifests(
  { name, planned }: PlannedRepository,
  lacking: ReadonlySet<Digest>,
  manifests: ReadonlyMap<Digest, Uint8Array<ArrayBuffer>>,
  connection: Connection,
  refused: string[],
): Promise<void> {
  const tags = planned.filter(({ does }) => does === "added" || does === "moved");
  const tagsOf = Map.groupBy(tags, ({ digest }) => digest);
  const documents = new Map<Digest, StoredManifest>();
  for (const digest of new Set([...lacking, ...tagsOf.keys()])) {
    const bytes = manifests.get(digest);
    const read = bytes && readStoredManifest(bytes, new Map(), () => undefined);
    if (read) documents.set(digest, read);
    else refused.push(`${name}@${digest}: it does not say what it is`);
  }
  for (const [digest, { mediaType }] of childrenFirst(documents)) {
    const bytes = manifests.get(digest) ?? new Uint8Array();
    const named = tagsOf.get(digest)?.map(({ tag }) => tag) ?? [];
    for (const reference of lacking.has(digest) ? [digest, ...named] : named) {
      try {
        await putManifest(connection, name, reference, mediaType, bytes);
      } catch (error) {
        // One image that the other side does not take keeps no other from being restored.
        if (!(error instanceof RegistryError) || error.kind === "CREDENTIALS") throw error;
        refused.push(error.message);
        break;
      }
    }
  }
}
