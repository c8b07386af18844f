import type { RepositoryName } from "../oci/name.ts";
import type { Storage } from "../storage/storage.ts";
import type { Metadata } from "./metadata.ts";
export interface ReadReport { repositories: number; manifests: number; tags: number; blobs: number; problems: { repository: string; path: string; problem: string }[] }
export async function readTree(_s: Storage, _m: Metadata, _o: { now: () => number; onProgress?: (p: { repositories: number }) => void; repositories?: readonly RepositoryName[] }): Promise<ReadReport> {
  return { repositories: 0, manifests: 0, tags: 0, blobs: 0, problems: [] };
}
