import { RegistryError } from "./errors.ts";

/** A checked repository name such as `team/app`. */
export type RepositoryName = string & { readonly repositoryName: unique symbol };

/** Many clients limit host and name together to 255 characters (distribution spec, "Pulling manifests"). */
const LONGEST = 255;

// Each separator needs a letter or digit on both sides, so no two ways of matching compete: the
// expression is linear in the length of the name.
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

export function isRepositoryName(text: string): text is RepositoryName {
  return text.length <= LONGEST && NAME.test(text);
}

/** Throws NAME_INVALID. The grammar has no `..` and no empty part, so a name is safe inside a path. */
export function parseName(text: string): RepositoryName {
  if (isRepositoryName(text)) return text;
  const reason =
    text.length > LONGEST
      ? `it has ${text.length} characters, at most ${LONGEST} are allowed`
      : `${JSON.stringify(text)} does not match the grammar of names`;
  throw new RegistryError("NAME_INVALID", { reason });
}
