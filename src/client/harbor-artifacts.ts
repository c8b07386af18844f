import { type Digest, isDigest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import { isRecord } from "../oci/json.ts";
import { type RepositoryName, isRepositoryName } from "../oci/name.ts";
import { type Reference, type Tag, isTag } from "../oci/reference.ts";
import type { Connection } from "./connection.ts";
import {
  type Document,
  HARBOR_API,
  askHarbor,
  harborCount,
  harborDocument,
  harborList,
  harborRefusal,
} from "./harbor.ts";
import type { Subject } from "./http/refusal.ts";
import { imageText } from "./image.ts";

/** A manifest as Harbor describes it. Times are UTC milliseconds, sizes bytes. */
export interface HarborArtifact {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly artifactType: string | null;
  /** Of the manifest, its config and layers, and of an index also of its children. */
  readonly size: number;
  readonly pushedAt: number | null;
  /** Null: Harbor has recorded no pull, because there was none or because it was told to record none. */
  readonly pulledAt: number | null;
  /** As its config says. */
  readonly createdAt: number | null;
  readonly children: readonly Digest[];
  readonly tags: readonly HarborTag[];
  readonly accessories: readonly HarborAccessory[];
}

export interface HarborTag {
  readonly tag: Tag;
  readonly pushedAt: number | null;
  /** A rule of its project forbids to move or remove it. */
  readonly immutable: boolean;
}

/** A signature, an SBOM or the like: Harbor deletes it together with its subject. */
export interface HarborAccessory {
  readonly digest: Digest;
  readonly size: number;
  /** Harbor's word for what it is, such as `signature.cosign`. */
  readonly type: string;
  readonly createdAt: number | null;
}

/**
 * The names of all repositories that this user may see, in no order; those of public projects are always
 * among them. Throws REMOTE or CREDENTIALS.
 */
export async function* listHarborRepositories(
  connection: Connection,
): AsyncGenerator<RepositoryName> {
  const all: Subject = { about: "the list of projects", missing: "REMOTE" };
  const projects = await harborList(connection, "/projects", { sort: "name" }, "name", all);
  for (const { name } of projects) {
    if (typeof name !== "string" || !/^[a-z0-9]+(?:[._-]+[a-z0-9]+)*$/.test(name)) {
      throw nonsense(connection, "the list of projects");
    }
    const subject: Subject = { about: `the repositories of ${name}`, missing: "REMOTE" };
    const path = `/projects/${name}/repositories`;
    for (const found of await harborList(connection, path, { sort: "name" }, "name", subject)) {
      const repository = found["name"];
      const ours = typeof repository === "string" && repository.startsWith(`${name}/`);
      if (!ours || !isRepositoryName(repository)) throw nonsense(connection, subject.about);
      yield repository;
    }
  }
}

/**
 * All artifacts of a repository, those below indexes too; of accessories only that they are there. Null:
 * there is no such repository. Throws REMOTE when the answers do not agree with each other.
 */
export async function listHarborArtifacts(
  connection: Connection,
  name: RepositoryName,
): Promise<HarborArtifact[] | null> {
  const subject: Subject = { about: name, missing: "NAME_UNKNOWN" };
  const path = `${repositoryPath(name)}/artifacts`;
  const query = {
    // Without it what only an index leads to would be left out.
    q: "base=*",
    sort: "id",
    with_tag: "true",
    with_immutable_status: "true",
    with_accessory: "true",
  };
  let listed: Document[];
  try {
    listed = await harborList(connection, path, query, "digest", subject);
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "NAME_UNKNOWN") return null;
    throw error;
  }
  if (listed.length === 0) return await emptyOrAbsent(connection, name);
  const artifacts = listed.map((document) => {
    const artifact = parseArtifact(document);
    if (!artifact) throw nonsense(connection, `the artifacts of ${name}`);
    return artifact;
  });
  // Where Harbor fails to look up an artifact's tags, it sends it without: that must not make it untagged.
  const untagged = artifacts.filter(({ tags }) => tags.length === 0).length;
  if (untagged === 0) return artifacts;
  const counted = await harborCount(connection, path, { q: "base=*,tags=nil" }, subject);
  if (counted === untagged) return artifacts;
  throw new RegistryError("REMOTE", {
    reason: `${name}: ${connection.address.origin} lists ${untagged} artifacts without tags, and counts ${counted}`,
  });
}

/** Harbor lists nothing for a repository that it does not know, as for an empty one. */
async function emptyOrAbsent(
  connection: Connection,
  name: RepositoryName,
): Promise<HarborArtifact[] | null> {
  let repository: Document;
  try {
    const subject: Subject = { about: name, missing: "NAME_UNKNOWN" };
    repository = await harborDocument(connection, repositoryPath(name), subject);
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "NAME_UNKNOWN") return null;
    throw error;
  }
  // Zero is left out of its documents.
  const count = repository["artifact_count"] ?? 0;
  if (count === 0) return [];
  throw new RegistryError("REMOTE", {
    reason: `${name}: ${connection.address.origin} counts artifacts and lists none`,
  });
}

/** What a tag names now; null: it is not there. Reads no manifest, which would count as a pull. */
export async function resolveHarborTag(
  connection: Connection,
  name: RepositoryName,
  tag: Tag,
): Promise<Digest | null> {
  try {
    const path = `${repositoryPath(name)}/artifacts/${tag}?with_tag=false`;
    const subject: Subject = { about: imageText(name, tag), missing: "MANIFEST_UNKNOWN" };
    const { digest } = await harborDocument(connection, path, subject);
    if (typeof digest === "string" && isDigest(digest)) return digest;
    throw nonsense(connection, imageText(name, tag));
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "MANIFEST_UNKNOWN") return null;
    throw error;
  }
}

/** One artifact, which may be an accessory; null: it is not there. Throws REMOTE, CREDENTIALS. */
export async function readHarborArtifact(
  connection: Connection,
  name: RepositoryName,
  digest: Digest,
): Promise<HarborArtifact | null> {
  const about = imageText(name, digest);
  const path = `${repositoryPath(name)}/artifacts/${digest}?with_tag=true&with_accessory=true`;
  try {
    const subject: Subject = { about, missing: "MANIFEST_UNKNOWN" };
    const artifact = parseArtifact(await harborDocument(connection, path, subject));
    if (artifact?.digest === digest) return artifact;
    throw nonsense(connection, about);
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "MANIFEST_UNKNOWN") return null;
    throw error;
  }
}

/**
 * The tags of an artifact; none when it is not there. In a list of their own, because an artifact comes without them
 * where Harbor fails to look them up. Throws REMOTE, CREDENTIALS (without the right `tag:list`).
 */
export async function listHarborTags(
  connection: Connection,
  name: RepositoryName,
  digest: Digest,
): Promise<Tag[]> {
  const subject: Subject = { about: imageText(name, digest), missing: "MANIFEST_UNKNOWN" };
  const path = `${repositoryPath(name)}/artifacts/${digest}/tags`;
  try {
    const found = await harborList(connection, path, { sort: "id" }, "name", subject);
    return found.map(({ name: tag }) => {
      if (typeof tag !== "string" || !isTag(tag)) throw nonsense(connection, subject.about);
      return tag;
    });
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "MANIFEST_UNKNOWN") return [];
    throw error;
  }
}

/**
 * Removes a tag and leaves its artifact. Throws MANIFEST_UNKNOWN when it is not there, REFUSED when it is
 * immutable, CREDENTIALS without the right to (`tag:delete`).
 */
export async function removeHarborTag(
  connection: Connection,
  name: RepositoryName,
  tag: Tag,
): Promise<void> {
  await remove(connection, name, tag, `${repositoryPath(name)}/artifacts/${tag}/tags/${tag}`);
}

/**
 * Deletes an artifact with all of its tags, with its accessories, and with those of its children that no
 * tag and no other index keeps. Throws as `removeHarborTag`; REFUSED also when an index needs it.
 */
export async function deleteHarborArtifact(
  connection: Connection,
  name: RepositoryName,
  digest: Digest,
): Promise<void> {
  await remove(connection, name, digest, `${repositoryPath(name)}/artifacts/${digest}`);
}

async function remove(
  connection: Connection,
  name: RepositoryName,
  reference: Reference,
  path: string,
): Promise<void> {
  const reply = await askHarbor(connection, { method: "DELETE", path: HARBOR_API + path });
  if (reply.status === 200) return await reply.discard();
  const subject: Subject = { about: imageText(name, reference), missing: "MANIFEST_UNKNOWN" };
  throw await harborRefusal(connection, reply, subject);
}

/** A repository's name without its project is one part of the path: Harbor decodes it twice. */
function repositoryPath(name: RepositoryName): string {
  const slash = name.indexOf("/");
  if (slash === -1) {
    throw new RegistryError("NAME_UNKNOWN", {
      reason: `${name}: a Harbor's repositories are PROJECT/NAME`,
    });
  }
  const rest = encodeURIComponent(encodeURIComponent(name.slice(slash + 1)));
  return `/projects/${name.slice(0, slash)}/repositories/${rest}`;
}

function parseArtifact(document: Document): HarborArtifact | null {
  const { digest, manifest_media_type: mediaType, artifact_type: artifactType, size } = document;
  if (typeof digest !== "string" || !isDigest(digest) || typeof mediaType !== "string") return null;
  const references = list(document["references"]).map(({ child_digest: child }) => child);
  const tags = list(document["tags"]).map(parseTag);
  const accessories = list(document["accessories"]).map(parseAccessory);
  const attributes = document["extra_attrs"];
  if (!references.every((child) => typeof child === "string" && isDigest(child))) return null;
  if (!tags.every((tag) => tag !== null) || !accessories.every((one) => one !== null)) return null;
  return {
    digest,
    mediaType,
    artifactType: typeof artifactType === "string" && artifactType !== "" ? artifactType : null,
    size: sizeOf(size),
    pushedAt: timeOf(document["push_time"]),
    pulledAt: timeOf(document["pull_time"]),
    createdAt: isRecord(attributes) ? timeOf(attributes["created"]) : null,
    children: [...new Set(references)],
    tags,
    accessories,
  };
}

function parseTag({ name, push_time: pushed, immutable }: Document): HarborTag | null {
  if (typeof name !== "string" || !isTag(name)) return null;
  return { tag: name, pushedAt: timeOf(pushed), immutable: immutable === true };
}

function parseAccessory(document: Document): HarborAccessory | null {
  const { digest, size, type, creation_time: created } = document;
  if (typeof digest !== "string" || !isDigest(digest) || typeof type !== "string") return null;
  return { digest, size: sizeOf(size), type, createdAt: timeOf(created) };
}

/** Of Go's empty lists some are null, some left out. What is in one and no object makes the whole nonsense. */
function list(value: unknown): readonly Document[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.map((one) => (isRecord(one) ? one : {})) : [{}];
}

function sizeOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** Go's zero time (the year 1) stands for never. */
function timeOf(value: unknown): number | null {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) || time <= 0 ? null : time;
}

function nonsense({ address }: Connection, about: string): RegistryError {
  return new RegistryError("REMOTE", { reason: `${about}: ${address.origin} makes no sense` });
}
