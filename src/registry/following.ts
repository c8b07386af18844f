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
    mountBlob: (...parameters) => woken(metadata.mountBlob(...parameters)),
    unlinkBlob: (...parameters) => woken(metadata.unlinkBlob(...parameters)),
    putManifest: (...parameters) => woken(metadata.putManifest(...parameters)),
    removeTag: (...parameters) => woken(metadata.removeTag(...parameters)),
    removeManifest: (...parameters) => woken(metadata.removeManifest(...parameters)),
    clear: (...parameters) => woken(metadata.clear(...parameters)),
    collect: (...parameters) => woken(metadata.collect(...parameters)),
  };
}
