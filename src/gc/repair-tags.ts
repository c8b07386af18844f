import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import { readLink, tagCurrentLink, tagPath } from "../storage/tree.ts";
import type { Decision, Workshop } from "./repair-step.ts";
import { removal } from "./repair-rows.ts";
import { namedBefore, writeTag } from "./repair-links.ts";
import { addManifest } from "./repair-manifest.ts";
import type { Action } from "./repair-plan.ts";
import type { Repairable } from "./repairable.ts";

/** Decides about a tag of which the tree and the metadata do not say the same. */
export async function decideTag(
  { tag }: Action,
  name: RepositoryName,
  { what, bytes: repairs }: Workshop,
): Promise<Decision> {
  if (!tag) return { cannot: "its name is not a valid tag" };
  const bytes = await what.storage.readSmall(tagCurrentLink(name, tag));
  const says = bytes && readLink(bytes);
  const known = (await what.metadata.knownRepository(name))?.tags.get(tag) ?? null;
  if (says === known && says !== null)
    return { says: "it is as it should be", run: async () => null };
  if (says !== null) {
    return await decideNamed({ name, tag, says, known }, { what, bytes: repairs });
  }
  if (known !== null) return await decideLost(name, tag, known, bytes !== null, what);
  return await decideUnknown(name, tag, bytes !== null, { what, repairs });
}

/** The tree names something else than the metadata, or something that they do not know. */
async function decideNamed(
  { name, tag, says, known }: Named,
  { what, bytes }: Pick<Workshop, "what" | "bytes">,
): Promise<Decision> {
  if (known !== null && what.state === "serving") return rewrite({ name, tag, says, known }, what);
  const instead = known === null ? "" : `, instead of ${known}, which goes to the trash`;
  const has = (await what.metadata.findManifest(name, says)) !== null;
  const wanted = { digest: says, repositories: [name], manifest: true };
  const from = has ? null : await bytes.locate(wanted);
  if (!has && from === null) return { cannot: `the bytes of ${says}, which it names, are nowhere` };
  const source = from === null ? "" : `; the bytes of that come from ${from}`;
  return {
    says: `the metadata takes up that it names ${says}${instead}${source}`,
    async run() {
      if (from !== null) {
        const found = await bytes.bring(wanted);
        const why = found.found ? await addManifest(name, says, what) : found.why;
        if (why !== null) return why;
      }
      await what.follow(name, { digests: [says], tags: [tag] });
      const now = await what.metadata.knownRepository(name);
      return now?.tags.get(tag) === says ? null : `this repository does not have ${says}`;
    },
  };
}

interface Named {
  readonly name: RepositoryName;
  readonly tag: Tag;
  /** In the tree. */
  readonly says: Digest;
  /** In the metadata. */
  readonly known: Digest | null;
}

/** Where the metadata know better. */
function rewrite(
  { name, tag, says, known }: Named & { readonly known: Digest },
  what: Repairable,
): Decision {
  return {
    says: `the tree says again what is served, ${known}; that it named ${says} goes to the trash`,
    async run() {
      const of = { repository: name, tag, digest: says, size: 0, mediaType: null, bytes: null };
      await what.trash?.addTrash([{ ...removal(what.now()), kind: "tag", ...of }]);
      await writeTag(name, tag, known, what);
      return null;
    },
  };
}

/** The metadata knows the tag, and the tree has no link, or a torn one. */
async function decideLost(
  name: RepositoryName,
  tag: Tag,
  known: Digest,
  torn: boolean,
  what: Repairable,
): Promise<Decision> {
  const { all } = await namedBefore(name, tag, what);
  if (what.state === "stopped" && !torn && all.length === 0) {
    return {
      says: "another program has removed it: the metadata forgets it, as at the next start",
      async run() {
        await what.follow(name, { digests: [], tags: [tag] });
        return null;
      },
    };
  }
  return {
    says: `the tree gets the link again, to ${known}`,
    async run() {
      await writeTag(name, tag, known, what);
      return null;
    },
  };
}

/** Nobody knows what the tag named, unless its folder says so, and only in one way. */
async function decideUnknown(
  name: RepositoryName,
  tag: Tag,
  torn: boolean,
  { what, repairs }: { readonly what: Repairable; readonly repairs: Workshop["bytes"] },
): Promise<Decision> {
  const { all, there } = await namedBefore(name, tag, what);
  const [first, ...others] = all;
  const drop: Decision = {
    says: "the tag goes: it says nothing, and nothing that it may have named is there",
    async run() {
      // A registry that nobody sees may have pushed it since.
      const now = await what.storage.readSmall(tagCurrentLink(name, tag));
      if (now && readLink(now)) return null;
      await what.storage.delete(tagPath(name, tag));
      await what.storage.write([]);
      return null;
    },
  };
  if (!first) return drop;
  if (!torn) return { cannot: "a push of it was cut off, or its link is lost: push it again" };
  if (others.length > 0) {
    if (there.length === 0) return drop;
    const many = `it has named ${all.length} manifests, and which was the last is not known`;
    return { cannot: `${many}: push it again` };
  }
  const wanted = { digest: first, repositories: [name], manifest: true };
  const from = await repairs.locate(wanted);
  if (from === null)
    return there.length === 0 ? drop : { cannot: `${first}, which it named, is damaged` };
  return {
    says: `the link is written again: the tag has never named anything but ${first}`,
    async run() {
      const found = await repairs.bring(wanted);
      if (!found.found) return found.why;
      await writeTag(name, tag, first, what);
      await what.follow(name, { digests: [first], tags: [tag] });
      return null;
    },
  };
}
