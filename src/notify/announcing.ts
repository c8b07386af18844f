import type { Happening, Who } from "../metadata/event.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { OCTET_STREAM } from "../oci/media-types.ts";

/** Whether anybody wants to hear of something. */
export type IsWanted = (what: Pick<Happening, "action" | "mediaType">) => boolean;

/**
 * Says of a change that nobody wants to hear of it where that is so, and else when there is news: what
 * nobody wants costs not even a row.
 */
export function announcing(metadata: Metadata, isWanted: IsWanted, news: () => void): Metadata {
  const tell = async <T>(
    by: Who | null | undefined,
    action: Happening["action"],
    mediaType: string | null,
    change: (by: Who | null) => Promise<T>,
  ): Promise<T> => {
    if (!by) return await change(null);
    if (!isWanted({ action, mediaType })) return await change({ ...by, unheard: true });
    const result = await change(by);
    news();
    return result;
  };
  return {
    ...metadata,
    linkBlob: (name, blob, at, content, asks) =>
      tell(asks, "push", OCTET_STREAM, (by) => metadata.linkBlob(name, blob, at, content, by)),
    mountBlob: (name, digest, from, at, asks) =>
      tell(asks, "mount", OCTET_STREAM, (by) => metadata.mountBlob(name, digest, from, at, by)),
    unlinkBlob: (name, digest, at, asks) =>
      tell(asks, "delete", null, (by) => metadata.unlinkBlob(name, digest, at, by)),
    putManifest: (push, asks) =>
      tell(asks, "push", push.mediaType, (by) => metadata.putManifest(push, by)),
    removeTag: (name, tag, at, asks) =>
      tell(asks, "delete", null, (by) => metadata.removeTag(name, tag, at, by)),
    removeManifest: (name, digest, at, asks, only) =>
      tell(asks, "delete", null, (by) => metadata.removeManifest(name, digest, at, by, only)),
  };
}
