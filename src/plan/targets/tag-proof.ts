import { RegistryError } from "../../oci/errors.ts";
import { type Tag, parseTag } from "../../oci/reference.ts";
import type { ApiRepository } from "./api-repository.ts";

/**
 * What a registry does when it is told to delete a tag. Nothing in the protocol says it: registry 2.x
 * refuses; registry 3, ours and others remove the tag; some have deleted the manifest with all its tags
 * (zot before 2.1), and some answer 202 and do nothing. So it is found out, in two steps, neither of which
 * touches anything that is not ours.
 */
export type TagDeletion = "refused" | "denied" | "taken";

/** Answers to those that they do not know how to do, or are not willing to. */
const REFUSALS = new Set([400, 405, 406, 409, 412, 415, 422, 501]);

/**
 * First step, good for a plan: nothing is written. A tag is deleted that cannot be there, because nobody
 * knows its name. Who does not delete tags says so; who does has nothing to delete. Throws REMOTE when the
 * answer says neither.
 */
export async function askTagDeletion(repository: ApiRepository, id: string): Promise<TagDeletion> {
  try {
    await repository.delete(probeTag(id));
    return "taken";
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const { status } = error.detail;
    if (error.kind === "CREDENTIALS") return "denied";
    // A 404 that gives no reason of a registry's is that of a web server which knows no such route.
    if (error.kind === "REFUSED" || status === 404) return "refused";
    if (typeof status === "number" && REFUSALS.has(status)) return "refused";
    throw error;
  }
}

/** How a proof ended: null when it succeeded, else why a tag cannot be removed alone, in words for a report. */
export type Objection = string | null;

/**
 * Second step, when something is to be done: a placeholder of ours is put under two tags, one of them is
 * deleted, and the other one and the manifest must still be there. Only then a tag of somebody may be
 * deleted. What a crash leaves is found by the next inventory of the repository.
 */
export async function proveTagDeletion(
  repository: ApiRepository,
  id: string,
  warn: (line: string) => void,
): Promise<Objection> {
  const [one, other] = [probeTag(`${id}-a`), probeTag(`${id}-b`)];
  let pushed;
  try {
    pushed = await repository.newPlaceholder(one, null);
    await repository.put(one, pushed);
    await repository.put(other, pushed);
  } catch (error) {
    if (!isAnswer(error)) throw error;
    return `whether the registry removes a tag alone could not be tried: ${error.message}`;
  }
  try {
    await repository.delete(one);
    if (!(await isGone(repository, one)))
      return "the registry says that it deletes a tag, and does not";
    if ((await repository.resolve(other)) !== pushed.digest) {
      return "the registry deletes the other tags of an image along with one of them";
    }
    if ((await repository.resolve(pushed.digest)) !== pushed.digest) {
      return "the registry deletes an image along with one of its tags";
    }
    return null;
  } catch (error) {
    if (!isAnswer(error)) throw error;
    return error.message;
  } finally {
    await tidy(repository, [other, one], pushed.digest, warn);
  }
}

/** Some registries answer from a cache for a moment. */
async function isGone(repository: ApiRepository, tag: Tag): Promise<boolean> {
  for (const wait of [0, 250, 1000]) {
    await Bun.sleep(wait);
    if ((await repository.resolve(tag)) === null) return true;
  }
  return false;
}

/** Nobody misses what is not tidied up, and the next inventory finds it: a failure here fails nothing. */
async function tidy(
  repository: ApiRepository,
  tags: readonly Tag[],
  digest: Parameters<ApiRepository["delete"]>[0],
  warn: (line: string) => void,
): Promise<void> {
  // Some registries delete no manifest that has tags.
  for (const reference of [...tags, digest]) {
    try {
      await repository.delete(reference);
    } catch (error) {
      if (reference !== digest) continue;
      warn(`${repository.name}@${digest}, an empty manifest of ours, is left: ${String(error)}`);
    }
  }
}

/** The registry has answered, with a no. */
function isAnswer(error: unknown): error is RegistryError {
  if (!(error instanceof RegistryError)) return false;
  const { status } = error.detail;
  return (
    error.kind === "CREDENTIALS" || (typeof status === "number" && status < 500 && status !== 429)
  );
}

function probeTag(id: string): Tag {
  return parseTag(`wharfinger-probe-${id}`);
}
