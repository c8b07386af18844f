import type { RepositoryName } from "../oci/name.ts";
import type { Storage } from "../storage/storage.ts";
import { REPOSITORIES, repositoryPath } from "../storage/tree.ts";

/**
 * Removes the folders of a repository that went, and those above it, as far as they are empty. What we do
 * not know, as what is broken or another registry's upload, stays with all that leads to it; so do
 * repositories below it.
 */
export async function pruneRepository(storage: Storage, name: RepositoryName): Promise<void> {
  const path = repositoryPath(name);
  for (const own of ["_layers", "_manifests", "_uploads"]) await prune(storage, `${path}/${own}`);
  for (let at = path; at !== REPOSITORIES; at = at.slice(0, at.lastIndexOf("/"))) {
    if (!(await isEmpty(storage, at))) return;
    await storage.delete(at);
  }
}

/** Whether it is gone. */
async function prune(storage: Storage, folder: string): Promise<boolean> {
  let empty = true;
  for (const { name, kind } of await Array.fromAsync(storage.list(folder))) {
    if (kind !== "folder" || !(await prune(storage, `${folder}/${name}`))) empty = false;
  }
  if (empty) await storage.delete(folder);
  return empty;
}

async function isEmpty(storage: Storage, folder: string): Promise<boolean> {
  for await (const _ of storage.list(folder)) return false;
  return true;
}
