import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Tag, isTag } from "../oci/reference.ts";
import type { Connection } from "./connection.ts";
import { contentOf } from "./content.ts";
import type { Content, Describer, TagDescription } from "./description.ts";
import { listTags } from "./lists.ts";
import { getManifest, resolveDigest } from "./manifests.ts";
import { inParallel } from "./parallel.ts";

/** Requests at once: enough to hide the way, few enough for a small registry. */
const AT_ONCE = 8;

/** Describes with nothing but the OCI distribution API: a request or more for each tag. */
export function describePlain(connection: Connection): Describer {
  /** What manifests say never changes. */
  const contents = new Map<string, Promise<Content>>();
  const tagsByDigest = new Map<RepositoryName, Promise<ReadonlyMap<Digest, string[]>>>();

  const describe = async (name: RepositoryName, tag: Tag): Promise<Content> => {
    const manifest = await getManifest(connection, name, tag);
    const key = `${name}@${manifest.digest}`;
    const known = contents.get(key) ?? contentOf(connection, name, manifest);
    contents.set(key, known);
    return await known;
  };

  return {
    tags: (name) =>
      inParallel(listTags(connection, name), AT_ONCE, async (tag): Promise<TagDescription> => {
        const content = isTag(tag) ? await unlessGone(describe(name, tag)) : null;
        return { tag, content, pushedAt: null };
      }),

    async manifest(name, reference) {
      const content = await contentOf(
        connection,
        name,
        await getManifest(connection, name, reference),
      );
      let tags = tagsByDigest.get(name);
      if (!tags) tagsByDigest.set(name, (tags = readTags(connection, name)));
      return { ...content, tags: (await tags).get(content.digest) ?? [] };
    },
  };
}

/** Which tags name which digest: nothing in the protocol answers that, so every tag is asked. */
async function readTags(
  connection: Connection,
  name: RepositoryName,
): Promise<ReadonlyMap<Digest, string[]>> {
  const tags = new Map<Digest, string[]>();
  const resolved = inParallel(listTags(connection, name), AT_ONCE, async (tag) => ({
    tag,
    // No reference of ours can name what is no tag.
    digest: isTag(tag) ? await unlessGone(resolveDigest(connection, name, tag)) : null,
  }));
  for await (const { tag, digest } of resolved) {
    if (digest !== null) tags.set(digest, [...(tags.get(digest) ?? []), tag]);
  }
  return tags;
}

/** Null for what is listed and not there: it went away meanwhile, or its registry is damaged. */
async function unlessGone<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "MANIFEST_UNKNOWN") return null;
    throw error;
  }
}
