import type { TrashRecord } from "../metadata/collection.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Decision } from "./repair-step.ts";
import type { Action } from "./repair-plan.ts";
import type { Repairable } from "./repairable.ts";

/**
 * What another program has removed from the tree while nobody had it open, the metadata forgets, as at
 * every start; here with a way back.
 */
export async function forget(
  { digest, finding }: Action,
  name: RepositoryName,
  what: Repairable,
): Promise<Decision> {
  const { metadata, trash, now } = what;
  const manifest = digest && (await metadata.findManifest(name, digest));
  return {
    says: "another program has removed it: the metadata forgets it, as at the next start",
    async run() {
      if (manifest && finding.path?.includes("/_manifests/revisions/")) {
        const { mediaType, bytes } = manifest;
        const size = bytes.length;
        const of = { repository: name, tag: null, digest: manifest.digest, size, mediaType, bytes };
        await trash?.addTrash([{ ...removal(now()), kind: "manifest", ...of }]);
      }
      await what.follow(name, "all");
      return null;
    },
  };
}

/** What all such rows of the trash have in common. */
export function removal(
  at: number,
): Pick<TrashRecord, "run" | "madeAt" | "removedAt" | "reason" | "removedBy"> {
  const reason = "another program removed or moved it in the tree";
  return { run: null, madeAt: at, removedAt: at, reason, removedBy: null };
}
