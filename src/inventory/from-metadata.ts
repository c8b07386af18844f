import type { Metadata } from "../metadata/metadata.ts";
import { allRepositories } from "../metadata/paged.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { RepositoryInventory } from "./inventory.ts";

/**
 * What the metadata know of each repository, in ASCII order, or of those that are named. Each is as it was
 * at one moment; one that goes meanwhile is left out.
 */
export async function* inventoriesFromMetadata(
  metadata: Pick<Metadata, "listRepositories" | "recordsOf">,
  names: Iterable<RepositoryName> | AsyncIterable<RepositoryName> = allRepositories(metadata),
): AsyncGenerator<RepositoryInventory> {
  for await (const name of names) {
    const records = await metadata.recordsOf(name);
    if (records) yield records;
    // Reading a large one takes a while: others get their turn.
    await new Promise(setImmediate);
  }
}
