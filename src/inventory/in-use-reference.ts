import { type Digest, isDigest } from "../oci/digest.ts";
import { type RepositoryName, isRepositoryName } from "../oci/name.ts";
import { type Tag, isTag } from "../oci/reference.ts";

/** What an image's name says to a registry that does not know by which hosts it is called. */
export interface ImageReference {
  /** Every repository that may be meant; empty: it names a digest alone. */
  readonly repositories: readonly RepositoryName[];
  readonly tag: Tag | null;
  readonly digest: Digest | null;
  /** At least 12 of the hex digits of a digest, which is what docker shows of an image that has lost its tag. */
  readonly digits: string | null;
}

/** More than host, path, tag and digest can have. */
const LONGEST = 1024;

/**
 * Reads `[HOST[:PORT]/]REPO[:TAG][@DIGEST]`, also as runtimes write it (`docker-pullable://…`), a digest, or the
 * digits of one. Without a tag and a digest it is `latest`. Pure.
 *
 * More generous than the grammar where two readings are possible (`my.team/app` may be a repository, `nginx` is
 * `library/nginx` at Docker Hub and in its mirrors): whoever asks wants to know what might be in use.
 *
 * @see distribution/reference, "Grammar"
 */
export function parseImageReference(text: string): ImageReference | { readonly reason: string } {
  if (text.length > LONGEST) return { reason: `it is longer than ${LONGEST} characters` };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text);
  if (scheme && /^https?$/i.test(scheme[1] ?? "")) {
    return { reason: "it is a URL; leave out what stands before the host" };
  }
  const name = text.slice(scheme?.[0].length ?? 0);
  if (isDigest(name)) return { repositories: [], tag: null, digest: name, digits: null };
  if (/^[0-9a-f]{64}$/.test(name)) {
    return { repositories: [], tag: null, digest: `sha256:${name}` as Digest, digits: null };
  }
  return named(name);
}

function named(text: string): ImageReference | { readonly reason: string } {
  const at = text.indexOf("@");
  const digest = at === -1 ? null : text.slice(at + 1);
  if (digest !== null && !isDigest(digest)) return { reason: "what follows the @ is no digest" };
  const front = at === -1 ? text : text.slice(0, at);
  const colon = front.lastIndexOf(":");
  const tagged = colon > front.lastIndexOf("/");
  const tag = tagged ? front.slice(colon + 1) : digest === null ? "latest" : null;
  if (tag !== null && !isTag(tag)) return { reason: "what follows the : is no tag" };
  const repositories = repositoriesOf(tagged ? front.slice(0, colon) : front);
  if (repositories.length === 0) return { reason: "it is no name of an image" };
  const digits = /^[0-9a-f]{12,63}$/.test(text) ? text : null;
  return { repositories, tag, digest, digits };
}

const HUB = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

function repositoriesOf(name: string): RepositoryName[] {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const host = isHost(first) ? first : null;
  const path = host === null ? name : name.slice(slash + 1);
  const hub = host === null || HUB.has(host);
  const short = hub && !path.includes("/") ? [`library/${path}`] : [];
  // Nothing but habit tells a host with a dot from the first part of a repository.
  const whole = host !== null && !HUB.has(host) ? [name] : [];
  return isRepositoryName(path) ? [path, ...short, ...whole].filter(isRepositoryName) : [];
}

const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)(?::\d{1,5})?$/i;

function isHost(text: string): boolean {
  return HOST.test(text) && (text === "localhost" || /[.:A-Z]/.test(text));
}
