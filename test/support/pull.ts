import type { Fixture } from "./image.ts";
import { digestOf, mediaTypes } from "./oci.ts";

const accept = [
  mediaTypes.index,
  mediaTypes.image,
  mediaTypes.dockerIndex,
  mediaTypes.dockerImage,
].join(", ");

export interface Manifest {
  readonly status: number;
  readonly mediaType: string | null;
  /** Computed from the bytes, not taken from a header. */
  readonly digest: string;
}

export async function pullManifest(
  url: string,
  repository: string,
  reference: string,
): Promise<Manifest> {
  const response = await fetch(`${url}/v2/${repository}/manifests/${reference}`, {
    headers: { accept },
  });
  return {
    status: response.status,
    mediaType: response.headers.get("content-type"),
    digest: digestOf(await response.bytes()),
  };
}

/** What of an image a registry does not serve, or serves with other bytes; nothing when all is well. */
export async function notServed(
  url: string,
  repository: string,
  reference: string,
  fixture: Fixture,
): Promise<string[]> {
  const manifest = await pullManifest(url, repository, reference);
  const found =
    manifest.status === 200 &&
    manifest.digest === fixture.digest &&
    manifest.mediaType === fixture.mediaType
      ? []
      : [
          `${repository}:${reference} is answered ${manifest.status} ${manifest.mediaType} ${manifest.digest}`,
        ];
  for (const { descriptor } of fixture.blobs) {
    const response = await fetch(`${url}/v2/${repository}/blobs/${descriptor.digest}`);
    const digest = digestOf(await response.bytes());
    if (response.status !== 200 || digest !== descriptor.digest) {
      found.push(
        `blob ${descriptor.digest} in ${repository} is answered ${response.status} ${digest}`,
      );
    }
  }
  for (const child of fixture.children)
    found.push(...(await notServed(url, repository, child.digest, child)));
  return found;
}

/** The tags of a repository, sorted; none when the registry does not know it. */
export async function tagsOf(url: string, repository: string): Promise<string[]> {
  const response = await fetch(`${url}/v2/${repository}/tags/list`);
  const { tags } = (await response.json()) as { tags?: string[] | null };
  return (tags ?? []).toSorted();
}

export async function catalogOf(url: string): Promise<string[]> {
  const response = await fetch(`${url}/v2/_catalog?n=1000`);
  const { repositories } = (await response.json()) as { repositories: string[] };
  return repositories.toSorted();
}
