import type { Metadata } from "../metadata/metadata.ts";
import type { TreeFollower } from "../metadata/tree-follower.ts";

/** Wakes the tree's follower after every change that the tree must follow. */
export function following(metadata: Metadata, follower: TreeFollower): Metadata {
  const woken = async <T>(change: Promise<T>): Promise<T> => {
    const result = await change;
    follower.wake();
    return result;
  };
  return {
    ...metadata,
    linkBlob: (...parameters) => woken(metadata.linkBlob(...parameters)),
    mountBlob: (name, digest, from, at) => woken(metadata.mountBlob(name, digest, from, at)),
    unlinkBlob: (name, digest) => woken(metadata.unlinkBlob(name, digest)),
    putManifest: (push) => woken(metadata.putManifest(push)),
    removeTag: (name, tag) => woken(metadata.removeTag(name, tag)),
    removeManifest: (name, digest) => woken(metadata.removeManifest(name, digest)),
  };
}
