import { allRepositories } from "../metadata/paged.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { TreeScanner } from "../metadata/tree-scanner.ts";
import type { RepositoryName } from "../oci/name.ts";

/** Names that are read at a time. */
const AT_ONCE = 1000;

/** So long does a mount from anywhere wait for the end of the scan. */
const MOUNT_PATIENCE_MS = 1000;

/**
 * While the tree is compared with the metadata: whoever touches a repository waits until it says what
 * the tree says, and is served first. The list of all repositories is that of the tree, and waits until
 * its folders were walked.
 *
 * So a change never meets the reading of its repository, and an answer is never older than what another
 * registry left. When differences cannot be recorded (a full disk), reads go on with what is known, and
 * changes are refused with that reason.
 *
 * At the end of the scan the wrapper becomes what it wraps: from then on it costs nothing.
 */
export function compared(inner: Metadata, scan: TreeScanner): Metadata {
  const read = <R>(name: RepositoryName, work: () => Promise<R>): Promise<R> =>
    scan.ready(name, "read")?.then(work, work) ?? work();
  const change = <R>(name: RepositoryName, work: () => Promise<R>): Promise<R> =>
    scan.ready(name, "change")?.then(work) ?? work();
  const changeAll = async <R>(
    about: readonly { readonly name: RepositoryName }[],
    work: () => Promise<R>,
  ): Promise<R> => {
    for (const name of new Set(about.map((one) => one.name))) await scan.ready(name, "change");
    return await work();
  };
  let over = false;
  let inTree: Set<RepositoryName> | null = null;

  const wrapper: Metadata = {
    ...inner,
    findManifest: (name, reference) => read(name, () => inner.findManifest(name, reference)),
    findBlob: (name, digest) => read(name, () => inner.findBlob(name, digest)),
    hasRepository: (name) => read(name, () => inner.hasRepository(name)),
    knownRepository: (name) => read(name, () => inner.knownRepository(name)),
    listTags: (name, page) => read(name, () => inner.listTags(name, page)),
    listTagNames: (name, page) => read(name, () => inner.listTagNames(name, page)),
    listManifests: (name, page) => read(name, () => inner.listManifests(name, page)),
    listBlobs: (name, page) => read(name, () => inner.listBlobs(name, page)),
    listReferrers: (name, ...rest) => read(name, () => inner.listReferrers(name, ...rest)),
    tagsOf: (name, digest) => read(name, () => inner.tagsOf(name, digest)),
    referencesOf: (name, digest) => read(name, () => inner.referencesOf(name, digest)),
    linkBlob: (name, ...rest) => change(name, () => inner.linkBlob(name, ...rest)),
    unlinkBlob: (name, ...rest) => change(name, () => inner.unlinkBlob(name, ...rest)),
    removeTag: (name, ...rest) => change(name, () => inner.removeTag(name, ...rest)),
    removeManifest: (name, ...rest) => change(name, () => inner.removeManifest(name, ...rest)),
    recordsOf: (name) => read(name, () => inner.recordsOf(name)),
    retentionRecordsOf: (name) => read(name, () => inner.retentionRecordsOf(name)),
    lineageOf: (name, digest) => read(name, () => inner.lineageOf(name, digest)),
    reviewRepository: (name) => change(name, () => inner.reviewRepository(name)),
    clear: (name, ...rest) => change(name, () => inner.clear(name, ...rest)),
    see: (seen) => changeAll(seen, () => inner.see(seen)),
    collect: (items, policy) => changeAll(items, () => inner.collect(items, policy)),
    putManifest: (push, ...rest) => change(push.name, () => inner.putManifest(push, ...rest)),

    async mountBlob(name, digest, from, ...rest) {
      if (from === null) {
        // A link that is known somewhere may be gone since. Without a mount the client uploads.
        await Promise.race([scan.finished, Bun.sleep(MOUNT_PATIENCE_MS)]);
        if (!over) return null;
      }
      if (from !== null) await scan.ready(from, "read")?.catch(() => undefined);
      await scan.ready(name, "change");
      return await inner.mountBlob(name, digest, from, ...rest);
    },
    async listRepositories(page) {
      const listed = await scan.listed;
      if (!listed) return await inner.listRepositories(page);
      const { last, limit } = page;
      const from = listed.findIndex((name) => last === null || name > last);
      const names = new Set(from < 0 ? [] : listed.slice(from, from + limit));
      const final = names.size === limit ? [...names].at(-1) : undefined;
      inTree ??= new Set(listed);
      // What we know beside: pushed since, or gone, or where it could not be read.
      for await (const name of allRepositories(inner, { last, limit: AT_ONCE })) {
        if (final !== undefined && name > final) break;
        if (inTree.has(name)) continue;
        await scan.ready(name, "read")?.catch(() => undefined);
        if (await inner.hasRepository(name)) names.add(name);
      }
      return [...names].toSorted().slice(0, limit);
    },
  };
  void scan.finished.then(() => {
    over = true;
    Object.assign(wrapper, inner);
  });
  return wrapper;
}
