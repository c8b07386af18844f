import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { blobPath, layerLink } from "../storage/tree.ts";
import type { Wanted } from "./repair-source.ts";
import type { Decision, Workshop } from "./repair-step.ts";
import { dropLink, isKnown, isLayerLink, writeLink } from "./repair-links.ts";
import { addManifest, renewManifest } from "./repair-manifest.ts";
import type { Action } from "./repair-plan.ts";
import { decideTag } from "./repair-tags.ts";
import { decideTrash } from "./repair-trash.ts";
import type { Repairable } from "./repairable.ts";

const NOWHERE =
  "its bytes are nowhere: not in the metadata, not in the trash, and in no source that was named";

/**
 * Decides about one action. It only looks: a plan that is shown ends here, and every change is in `run`.
 * Rejects when something cannot be read.
 */
export async function decide(action: Action, shop: Workshop): Promise<Decision> {
  const { remedy, repository, digest } = action;
  if (remedy === "bytes" && digest) return await decideBytes(action, digest, shop);
  if (remedy === "trash") return await decideTrash(action.finding, shop.what);
  if (!repository) return { cannot: "it is in no repository" };
  if (remedy === "take") return await decideTake(repository, digest, shop);
  if (remedy === "tag") return await decideTag(action, repository, shop);
  if (remedy === "forget") {
    return {
      says: "another program has removed it: the metadata forgets it, as at the next start",
      async run() {
        await shop.what.follow(repository, "all");
        return null;
      },
    };
  }
  if (!digest) return { cannot: "it has no digest" };
  if (remedy === "row") return await decideRow(repository, digest, shop);
  if (remedy === "link") return await decideLink(repository, digest, shop);
  if (remedy === "manifest") return await decideManifest(repository, digest, shop);
  const { path } = action.finding;
  if (path === null) return { cannot: "it has no path" };
  return remedy === "write"
    ? await decideWrite(action, repository, digest, path, shop)
    : await decideDrop(repository, digest, path, shop);
}

async function decideBytes(
  { finding, repository }: Action,
  digest: Digest,
  { what, bytes }: Workshop,
): Promise<Decision> {
  const { metadata } = what;
  const manifest = repository ? (await metadata.findManifest(repository, digest)) !== null : false;
  // No other registry is asked for what nothing needs.
  const asked = repository && finding.kind !== "unused" ? [repository] : [];
  const wanted: Wanted = { digest, repositories: asked, manifest };
  const from = await bytes.locate(wanted);
  if (from !== null) {
    const right = from === "its file";
    return {
      says: right ? "its bytes are right: their size is recorded" : `its bytes come from ${from}`,
      async run() {
        const found = await bytes.bring(wanted);
        if (!found.found) return found.why;
        return repository ? await recordSize(repository, digest, what) : null;
      },
    };
  }
  if (finding.kind !== "unused") return { cannot: NOWHERE };
  const linked = repository ? (await metadata.findBlob(repository, digest)) !== null : false;
  const state = await bytes.state(digest);
  return {
    says:
      state === "missing"
        ? "the link goes: nothing needs it, and its bytes are nowhere"
        : "the damaged bytes, which nothing needs, go to the trash",
    async run() {
      await bytes.discard(digest);
      if (!repository || !linked) return null;
      return await dropLink(repository, digest, layerLink(repository, digest), what);
    },
  };
}

/** What is recorded of a linked blob is the size of its file, which is right. */
async function recordSize(
  repository: RepositoryName,
  digest: Digest,
  { metadata, storage, now }: Repairable,
): Promise<string | null> {
  const known = await metadata.findBlob(repository, digest);
  const stored = await storage.stat(blobPath(digest));
  if (!known || !stored || known.size === stored.size) return null;
  await metadata.linkBlob(repository, { digest, size: stored.size }, now(), null);
  return null;
}

async function decideLink(
  name: RepositoryName,
  digest: Digest,
  { what, bytes }: Workshop,
): Promise<Decision> {
  const wanted: Wanted = { digest, repositories: [name], manifest: false };
  const from = await bytes.locate(wanted);
  if (from === null) return { cannot: NOWHERE };
  const here = from === "its file";
  return {
    says: here ? "it is linked: its bytes are here" : `its bytes come from ${from}; it is linked`,
    async run() {
      const found = await bytes.bring(wanted);
      if (!found.found) return found.why;
      const stored = await what.storage.stat(blobPath(digest));
      if (!stored) return "its bytes have gone meanwhile";
      await what.metadata.linkBlob(name, { digest, size: stored.size }, what.now(), null);
      return null;
    },
  };
}

async function decideManifest(
  name: RepositoryName,
  digest: Digest,
  shop: Workshop,
): Promise<Decision> {
  const wanted: Wanted = { digest, repositories: [name], manifest: true };
  const from = await shop.bytes.locate(wanted);
  if (from === null) return { cannot: NOWHERE };
  const here = from === "its file";
  return {
    says: here
      ? "the repository gets it: its bytes are here"
      : `its bytes come from ${from}; the repository gets it`,
    async run() {
      const found = await shop.bytes.bring(wanted);
      return found.found ? await addManifest(name, digest, shop.what) : found.why;
    },
  };
}

async function decideRow(
  name: RepositoryName,
  digest: Digest,
  { what, bytes }: Workshop,
): Promise<Decision> {
  const wanted: Wanted = { digest, repositories: [name], manifest: true };
  const from = await bytes.locate(wanted);
  if (from === null) return { cannot: NOWHERE };
  return {
    says: `the metadata takes it anew, from ${from}`,
    async run() {
      const found = await bytes.bring(wanted);
      return found.found ? await renewManifest(name, digest, what) : found.why;
    },
  };
}

async function decideWrite(
  { finding }: Action,
  name: RepositoryName,
  digest: Digest,
  path: string,
  { what, bytes }: Workshop,
): Promise<Decision> {
  const { storage, metadata } = what;
  const manifest = !isLayerLink(name, path);
  const there =
    (await storage.stat(blobPath(digest))) !== null ||
    (await metadata.readContent(digest)) !== null;
  const write = async (): Promise<string | null> => {
    await writeLink(name, digest, path, what);
    return null;
  };
  if (there) return { says: "the link is written again: its bytes are here", run: write };
  // What is needed has a finding of its own, for which a source is asked.
  const wanted: Wanted = { digest, repositories: [], manifest };
  const from = await bytes.locate(wanted);
  if (from !== null) {
    return {
      says: `its bytes come from ${from}; the link is written again`,
      async run() {
        const found = await bytes.bring(wanted);
        return found.found ? await write() : found.why;
      },
    };
  }
  // What the metadata knows is somebody's, and what else is wrong with it was found too.
  const names = finding.problem.includes("it is not followed");
  if (names || (await isKnown(name, digest, path, what))) return { cannot: NOWHERE };
  return {
    says: "the link goes: it says nothing, and its bytes are nowhere",
    run: async () => await dropLink(name, digest, path, what),
  };
}

async function decideTake(
  name: RepositoryName,
  digest: Digest | null,
  { what, bytes }: Workshop,
): Promise<Decision> {
  const follow = async (): Promise<null> => {
    await what.follow(name, digest === null ? "all" : { digests: [digest], tags: [] });
    return null;
  };
  if (digest === null || (await bytes.state(digest)) === "right") {
    if (what.state === "foreign")
      return { cannot: "its bytes are right, and cannot be understood" };
    return { says: "the metadata takes it up from the tree", run: follow };
  }
  return await bringOr(name, digest, [name], { what, bytes }, { cannot: NOWHERE });
}

async function decideDrop(
  name: RepositoryName,
  digest: Digest,
  path: string,
  { what, bytes, findings }: Workshop,
): Promise<Decision> {
  const needed = findings.some((one) => one.digest === digest && one.images.length > 0);
  if (needed) return await bringOr(name, digest, [name], { what, bytes }, { cannot: NOWHERE });
  return await bringOr(
    name,
    digest,
    [],
    { what, bytes },
    {
      says: "the link goes: nothing needs it, and its bytes are nowhere",
      run: async () => await dropLink(name, digest, path, what),
    },
  );
}

/** Brings what a link of the tree leads to, so that it can be taken up, or does something else. */
async function bringOr(
  name: RepositoryName,
  digest: Digest,
  asked: readonly RepositoryName[],
  { what, bytes }: Pick<Workshop, "what" | "bytes">,
  instead: Decision,
): Promise<Decision> {
  for (const manifest of [false, true]) {
    const wanted: Wanted = { digest, repositories: asked, manifest };
    const from = await bytes.locate(wanted);
    if (from === null) continue;
    return {
      says: `its bytes come from ${from}`,
      async run() {
        const found = await bytes.bring(wanted);
        if (!found.found) return found.why;
        await what.follow(name, { digests: [digest], tags: [] });
        return null;
      },
    };
  }
  return instead;
}
