import type { Connection } from "../client/connection.ts";
import { openDescriber } from "../client/describe.ts";
import type { Describer } from "../client/description.ts";
import { printable } from "../client/http/printable.ts";
import { deleteManifest, resolveDigest } from "../client/manifests.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Removal } from "./delete-plan.ts";

/** How the removal of one image ended. `kept`: the registry cannot delete this tag and leave the manifest. */
export type Outcome =
  | { readonly removal: Removal; readonly result: "deleted" }
  | {
      readonly removal: Removal;
      readonly result: "kept" | "failed";
      readonly error: RegistryError;
    };

/**
 * Does what was planned, one image after the other; a failure does not keep the others from being done.
 *
 * Each image is looked at again just before: a tag that names something else by now, or a manifest that
 * has got a tag more, is not what was shown, and stays. A tag is never deleted by its digest.
 */
export async function* applyRemovals(
  removals: readonly Removal[],
  connect: (host: string | null) => Connection,
): AsyncGenerator<Outcome> {
  const describers = new Map<string, Describer>();
  for (const removal of removals) {
    const connection = connect(removal.host);
    const describer = describers.get(removal.registry) ?? openDescriber(connection);
    describers.set(removal.registry, describer);
    try {
      await refuseDrift(removal, connection, describer);
      await deleteManifest(connection, removal.repository, removal.reference);
      yield { removal, result: "deleted" };
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      yield { removal, result: cannotDeleteTag(removal, error) ? "kept" : "failed", error };
    }
  }
}

async function refuseDrift(
  { image, deletes, repository, reference, digest, tags }: Removal,
  connection: Connection,
  describer: Describer,
): Promise<void> {
  if (deletes === "tag") {
    const now = await resolveDigest(connection, repository, reference);
    if (now !== digest) throw drift(`${image} was moved to ${now} meanwhile`);
    return;
  }
  const now = await describer.manifest(repository, reference);
  const more = now.tags.filter((tag) => !tags.includes(tag));
  if (more.length > 0)
    throw drift(`${image} was tagged ${more.map((tag) => printable(tag)).join(", ")} meanwhile`);
}

function drift(reason: string): RegistryError {
  return new RegistryError("REFUSED", { reason: `${reason}; look at it again` });
}

/** registry:2 takes digests only, and says so in several ways. */
function cannotDeleteTag({ deletes }: Removal, { detail }: RegistryError): boolean {
  const { status, code } = detail;
  if (deletes !== "tag" || typeof status !== "number") return false;
  return [400, 405, 501].includes(status) || code === "UNSUPPORTED" || code === "DIGEST_INVALID";
}
