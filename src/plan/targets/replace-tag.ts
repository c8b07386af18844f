import type { RemoteManifest } from "../../client/manifests.ts";
import { manifestFacts } from "../../inventory/api/manifest-facts.ts";
import type { Placeholder } from "../../inventory/api/placeholder.ts";
import type { Digest } from "../../oci/digest.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { Tag } from "../../oci/reference.ts";
import type { ApiRepository } from "./api-repository.ts";

/**
 * Removes a tag from a manifest that other tags keep, on a registry that deletes manifests only (2.x): a
 * placeholder with a digest of its own is put under the tag, and deleted by that digest, which takes the
 * tag along. The shared digest is never deleted. Throws REFUSED when the tag was pushed meanwhile.
 *
 * A crash leaves the tag as it was (before the PUT), on the placeholder (after it: that names the tag and
 * what it stood for, and the next removal goes on from there), or gone. A failure puts the image back
 * under the tag, unless somebody pushed another.
 *
 * A push of the same tag between the last look and our PUT, one request wide, is overwritten: the protocol
 * has no way to put a tag only if it still names something. Its manifest stays, by its digest.
 */
export async function replaceTag(
  repository: ApiRepository,
  tag: Tag,
  image: RemoteManifest,
): Promise<void> {
  const placeholder = await repository.newPlaceholder(tag, image.digest);
  if ((await repository.resolve(tag)) !== image.digest) throw moved(repository, tag);
  try {
    await repository.put(tag, placeholder);
    const now = await repository.resolve(tag);
    if (now === placeholder.digest) {
      await finishReplacing(repository, tag, placeholder.digest);
      return;
    }
    // Nobody has the placeholder any more.
    await repository.delete(placeholder.digest);
  } catch (error) {
    await putBack(repository, tag, image, placeholder.digest, error);
    throw error;
  }
  throw moved(repository, tag);
}

/**
 * The second half: what is under the tag is a placeholder. Throws REMOTE when the tag stays, which leaves
 * it on the placeholder.
 */
export async function finishReplacing(
  repository: ApiRepository,
  tag: Tag,
  placeholder: Digest,
): Promise<void> {
  await repository.delete(placeholder);
  if ((await repository.resolve(tag)) !== placeholder) return;
  throw new RegistryError("REMOTE", {
    reason: `${repository.name}:${tag} still names a manifest that the registry says it has deleted`,
  });
}

/**
 * Takes a removal back that was cut off: puts a tag that is on a placeholder to the image that it stands for. A
 * tag that names anything else stays as it is. Throws REFUSED when the image is gone, which leaves the tag on
 * the placeholder; REMOTE when the registry does not do what it says.
 *
 * A crash leaves the tag on the placeholder, or on the image; in that case the placeholder has no tag and stays
 * until a collection. For a push in between the same holds as in `replaceTag`.
 */
export async function restoreReplaced(repository: ApiRepository, tag: Tag): Promise<void> {
  const found = await repository.get(tag);
  const of = found && placeholderUnder(tag, found)?.of;
  if (!found || !of) return;
  const image = await repository.get(of);
  if (!image) {
    const reason = `${repository.name}:${tag} cannot be put back: ${of}, its image, is gone`;
    throw new RegistryError("REFUSED", { reason });
  }
  if ((await repository.resolve(tag)) !== found.digest) return;
  await repository.put(tag, image);
  if ((await repository.resolve(tag)) === found.digest) {
    throw new RegistryError("REMOTE", {
      reason: `${repository.name}:${tag} is still on an empty manifest, although the registry says it has taken ${of}`,
    });
  }
  // The tag has its image, or what somebody pushed meanwhile: nobody has the placeholder any more.
  await repository.delete(found.digest);
}

/** What a manifest under this tag stands for; null: it is somebody's own. Pure. */
export function placeholderUnder(tag: Tag, { bytes }: RemoteManifest): Placeholder | null {
  const facts = manifestFacts(bytes);
  return typeof facts !== "string" && facts.placeholder?.tag === tag ? facts.placeholder : null;
}

/**
 * To be asked before any replacing: where deleting is switched off, tags would be stuck on placeholders. A
 * manifest is deleted that cannot be there. Throws REFUSED.
 */
export async function refuseWithoutDeletion(repository: ApiRepository): Promise<void> {
  const nothing = `sha256:${"0".repeat(64)}` as Digest;
  try {
    await repository.delete(nothing);
  } catch (error) {
    if (!(error instanceof RegistryError) || error.detail["status"] !== 405) throw error;
    throw new RegistryError(
      "REFUSED",
      { ...error.detail, reason: `${error.detail.reason}; deleting is switched off there` },
      { cause: error },
    );
  }
}

async function putBack(
  repository: ApiRepository,
  tag: Tag,
  image: RemoteManifest,
  placeholder: Digest,
  cause: unknown,
): Promise<void> {
  try {
    if ((await repository.resolve(tag)) === placeholder) await repository.put(tag, image);
  } catch (error) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RegistryError(
      "REMOTE",
      {
        reason: `${repository.name}:${tag} may be left on an empty manifest, because its removal broke off (${why}) and it could not be put back to ${image.digest}; the next run goes on with it`,
      },
      { cause: error },
    );
  }
}

/** It names something else than was planned: another look has to decide about that. */
export function moved({ name }: ApiRepository, tag: Tag): RegistryError {
  const reason = `${name}:${tag} was pushed meanwhile, and stays; look at it again`;
  return new RegistryError("REFUSED", { reason });
}
