import type { Fixture } from "../image.ts";
import type { Content } from "./content.ts";

/** Puts an image into a stand-in without asking it: children first, then blobs, then the manifest. */
export function fill(
  content: Content,
  repository: string,
  fixture: Fixture,
  ...tags: readonly string[]
): void {
  for (const child of fixture.children) fill(content, repository, child);
  for (const { bytes } of fixture.blobs) content.putBlob(bytes);
  for (const tag of tags.length === 0 ? [null] : tags) {
    content.putManifest(repository, tag, fixture.mediaType, fixture.bytes);
  }
}
