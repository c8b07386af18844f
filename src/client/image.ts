import { RegistryError } from "../oci/errors.ts";
import { parseDigest } from "../oci/digest.ts";
import { type RepositoryName, parseName } from "../oci/name.ts";
import { type Reference, isDigestReference, parseTag } from "../oci/reference.ts";

/** What a person means by `[HOST/]REPO[:TAG|@DIGEST]`. */
export interface ImageName {
  /** `HOST[:PORT]`, or null when the name has none. */
  readonly host: string | null;
  readonly repository: RepositoryName;
  /** Null when only the repository is named. */
  readonly reference: Reference | null;
}

/**
 * Reads the name of an image as docker does. The part before the first slash is a host when no
 * repository could begin so by habit: it has a dot, a colon or a capital letter, or is `localhost`.
 * Everything else is a repository: `team/app` is never looked for at a host "team".
 *
 * A repository that does begin with such a part (`my.team/app`) needs its host in front.
 *
 * Pure. Throws USAGE, NAME_INVALID, TAG_INVALID or DIGEST_INVALID. A tag together with a digest is
 * refused: docker ignores the tag then, which is not what one who deletes expects.
 */
export function parseImageName(text: string): ImageName {
  if (text.includes("://"))
    throw bad(text, "leave out what stands before the host (https:// and the like)");
  const { host, rest } = splitHost(text);
  const at = rest.indexOf("@");
  const name = at === -1 ? rest : rest.slice(0, at);
  const colon = name.lastIndexOf(":");
  if (at !== -1 && colon !== -1) throw bad(text, "say either the tag or the digest");
  const repository = parseName(withLibrary(host, colon === -1 ? name : name.slice(0, colon)));
  if (at !== -1) return { host, repository, reference: parseDigest(rest.slice(at + 1)) };
  return { host, repository, reference: colon === -1 ? null : parseTag(name.slice(colon + 1)) };
}

/** `REPO:TAG` or `REPO@DIGEST`. Pure. */
export function imageText(repository: RepositoryName, reference: Reference): string {
  return `${repository}${isDigestReference(reference) ? "@" : ":"}${reference}`;
}

function splitHost(text: string): { host: string | null; rest: string } {
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(slash, 0));
  const isHost = first === "localhost" || /[.:A-Z]/.test(first);
  return isHost ? { host: first, rest: text.slice(slash + 1) } : { host: null, rest: text };
}

/** Docker Hub's own images are called `nginx` and live in `library/nginx`. */
function withLibrary(host: string | null, name: string): string {
  return host === "docker.io" && !name.includes("/") ? `library/${name}` : name;
}

function bad(text: string, why: string): RegistryError {
  return new RegistryError("USAGE", { reason: `${JSON.stringify(text.slice(0, 300))}: ${why}` });
}
