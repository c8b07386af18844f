import type { RemoteManifest } from "../../client/manifests.ts";
import type { Digest } from "../../oci/digest.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { Tag } from "../../oci/reference.ts";
import type { ApiRepository } from "./api-repository.ts";
import {
  finishReplacing,
  moved,
  placeholderUnder,
  refuseWithoutDeletion,
  replaceTag,
} from "./replace-tag.ts";
import { type Objection, type TagDeletion, askTagDeletion, proveTagDeletion } from "./tag-proof.ts";

export interface TagRemovalOptions {
  /** Whether a tag may be replaced by a placeholder where the registry cannot remove it alone. */
  readonly replaceTags: boolean;
  readonly id: () => string;
  readonly warn: (line: string) => void;
}

/** Removes single tags from one registry, in whatever way is safe there. */
export class TagRemoval {
  readonly #options: TagRemovalOptions;
  #answer: Promise<TagDeletion> | null = null;
  #proof: Promise<Objection> | null = null;
  #deletes: Promise<void> | null = null;
  /** Why nothing more is done to this registry. */
  #stopped: string | null = null;

  constructor(options: TagRemovalOptions) {
    this.#options = options;
  }

  /** Whether a tag can be removed alone, as far as that can be known without writing. `repository`: any one. */
  async isPossible(repository: ApiRepository): Promise<boolean> {
    return this.#options.replaceTags || (await this.#ask(repository)) === "taken";
  }

  /** Throws REFUSED when something happened to this registry after which nothing more may be done. */
  refuseWhenStopped(): void {
    if (this.#stopped !== null) throw new RegistryError("REFUSED", { reason: this.#stopped });
  }

  /**
   * Removes a tag from the manifest `of`, and leaves that. `others`: further tags of it that shall stay, as far as
   * they are known, asked for afterwards. Throws REFUSED where it cannot be done safely, or when the tag names
   * something else; REMOTE, and from then on always REFUSED, when the manifest is not there afterwards.
   */
  async remove(
    repository: ApiRepository,
    tag: Tag,
    { of, others }: { readonly of: Digest | null; readonly others: () => readonly Tag[] },
  ): Promise<void> {
    this.refuseWhenStopped();
    const image = await repository.get(tag);
    if (!image) return;
    if (placeholderUnder(tag, image)) {
      await finishReplacing(repository, tag, image.digest);
      return;
    }
    if (of !== null && image.digest !== of) throw moved(repository, tag);
    const objection = await this.#prove(repository);
    if (objection === null) {
      // The proof takes a while, and whoever pushed in it would lose what he pushed.
      const now = await repository.resolve(tag);
      if (now === null) return;
      if (now !== image.digest) throw moved(repository, tag);
      await repository.delete(tag);
    } else if (this.#options.replaceTags) {
      this.#deletes ??= refuseWithoutDeletion(repository);
      await this.#deletes.catch((error: unknown) => {
        this.#deletes = null;
        throw error;
      });
      await replaceTag(repository, tag, image);
    } else {
      throw new RegistryError("REFUSED", { reason: `${repository.name}:${tag}: ${objection}` });
    }
    await this.#verify(repository, tag, image, others);
  }

  async #ask(repository: ApiRepository): Promise<TagDeletion> {
    const { id, warn } = this.#options;
    this.#answer ??= askTagDeletion(repository, id());
    try {
      const answer = await this.#answer;
      if (answer === "denied") {
        warn(
          "these credentials may delete nothing, so that it is not known whether tags can go alone",
        );
      }
      return answer;
    } catch (error) {
      // What could not be asked now can be asked again.
      this.#answer = null;
      throw error;
    }
  }

  async #prove(repository: ApiRepository): Promise<Objection> {
    const answer = await this.#ask(repository);
    if (answer === "denied") return "these credentials may not delete";
    if (answer === "refused") return "the registry deletes only whole manifests (see replaceTags)";
    this.#proof ??= proveTagDeletion(repository, this.#options.id(), this.#options.warn);
    try {
      return await this.#proof;
    } catch (error) {
      this.#proof = null;
      throw error;
    }
  }

  /** Whatever was proven: one that kept its manifest a moment ago may be another server behind the same name. */
  async #verify(
    repository: ApiRepository,
    tag: Tag,
    image: RemoteManifest,
    others: () => readonly Tag[],
  ): Promise<void> {
    const isThere = (await repository.resolve(image.digest)) !== null;
    // What is being removed as well is asked for again, because it may have begun in between.
    if (isThere && ((await hasAny(repository, others())) || (await hasAny(repository, others()))))
      return;
    const restored = await restore(repository, image, others());
    this.#stopped = `the registry deleted ${repository.name}@${image.digest} together with its tag ${tag} although other tags have it; ${restored}; nothing more is done there in this run`;
    this.#options.warn(this.#stopped);
    throw new RegistryError("REMOTE", { reason: this.#stopped });
  }
}

/** Somebody else may have removed one of them meanwhile, but hardly all. */
async function hasAny(repository: ApiRepository, tags: readonly Tag[]): Promise<boolean> {
  for (const tag of tags) if ((await repository.resolve(tag)) !== null) return true;
  return tags.length === 0;
}

/** Its blobs are still there, as no collection was faster: the manifest and its tags can be pushed again. */
async function restore(
  repository: ApiRepository,
  image: RemoteManifest,
  tags: readonly Tag[],
): Promise<string> {
  try {
    await repository.put(image.digest, image);
    const lost: Tag[] = [];
    for (const tag of tags) if ((await repository.resolve(tag)) === null) lost.push(tag);
    for (const tag of lost) await repository.put(tag, image);
    return `it was pushed again${lost.length > 0 ? `, and tagged ${lost.join(", ")}` : ""}`;
  } catch (error) {
    return `to push it again failed (${error instanceof Error ? error.message : String(error)})`;
  }
}
