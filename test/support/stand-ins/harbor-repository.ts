import { type Asked, error } from "./asked.ts";
import type { Manifest, Repository } from "./content.ts";
import { accessoriesOf, removeDeeply } from "./harbor-gc.ts";
import { pageOfList } from "./harbor-page.ts";
import type { HarborState } from "./harbor.ts";
import { type User, denied } from "./users.ts";

/** A request that is about one repository. */
export interface Found {
  readonly harbor: HarborState;
  readonly user: User | null;
  may(right: string): boolean;
  /** `PROJECT/REPOSITORY`. */
  readonly name: string;
}

const NEVER = "0001-01-01T00:00:00.000Z";

/** Null: there is no such route. */
export function answerRepository(found: Found, asked: Asked, rest: string): Response | null {
  const repository = found.harbor.content.find(found.name);
  if (rest === "") {
    if (!found.may("repository:read")) return denied(found.user);
    if (!repository) return error(404, "NOT_FOUND", `repository ${found.name} not found`);
    const count = artifactsOf(repository, false).length;
    return Response.json({ name: found.name, ...(count > 0 && { artifact_count: count }) });
  }
  if (rest === "/artifacts" && asked.method === "GET") {
    if (!found.may("artifact:list")) return denied(found.user);
    return listArtifacts(found, repository, asked);
  }
  const tagsOf = /^\/artifacts\/([^/]+)\/tags$/.exec(rest)?.[1];
  if (tagsOf !== undefined && asked.method === "GET")
    return listTags(found, repository, tagsOf, asked);
  const [, reference, tag] = /^\/artifacts\/([^/]+)(?:\/tags\/([^/]+))?$/.exec(rest) ?? [];
  if (reference === undefined) return null;
  const right =
    asked.method === "GET" ? "artifact:read" : tag === undefined ? "artifact:delete" : "tag:delete";
  if (!found.may(right)) return denied(found.user);
  const manifest = repository?.resolve(reference);
  if (!repository || !manifest) {
    return error(404, "NOT_FOUND", `artifact ${found.name}:${reference} not found`);
  }
  if (asked.method === "GET") return Response.json(describe(found, repository, manifest, asked));
  if (asked.method !== "DELETE") return null;
  return tag === undefined
    ? removeArtifact(found, repository, manifest)
    : removeTag(found, repository, manifest, tag);
}

function isAccessory(repository: Repository, { digest, document }: Manifest): boolean {
  const { manifests } = repository;
  if (document.subject && manifests.has(document.subject.digest)) return true;
  return repository.tagsOf(digest).some((tag) => {
    const hex = /^sha256-([0-9a-f]{64})\.sig$/.exec(tag)?.[1];
    return hex !== undefined && manifests.has(`sha256:${hex}`);
  });
}

/** Without `all`, those that only an index leads to are left out; accessories always are. */
function artifactsOf(repository: Repository, all: boolean): Manifest[] {
  return [...repository.manifests.values()].filter((manifest) => {
    if (isAccessory(repository, manifest)) return false;
    const { digest } = manifest;
    return all || repository.tagsOf(digest).length > 0 || repository.parentsOf(digest).length === 0;
  });
}

function listArtifacts(found: Found, repository: Repository | null, asked: Asked): Response {
  // It answers so for a repository that it does not have, too.
  if (!repository) return pageOfList(asked, []);
  const conditions = (asked.query.get("q") ?? "").split(",");
  const listed = artifactsOf(repository, conditions.includes("base=*")).filter(
    ({ digest }) => !conditions.includes("tags=nil") || repository.tagsOf(digest).length === 0,
  );
  return pageOfList(
    asked,
    listed.map((manifest) => describe(found, repository, manifest, asked)),
  );
}

function listTags(
  found: Found,
  repository: Repository | null,
  reference: string,
  asked: Asked,
): Response {
  if (!found.may("tag:list")) return denied(found.user);
  const manifest = repository?.resolve(reference);
  if (!repository || !manifest) {
    return error(404, "NOT_FOUND", `artifact ${found.name}:${reference} not found`);
  }
  return pageOfList(
    asked,
    repository.tagsOf(manifest.digest).map((name) => ({ name })),
  );
}

function describe(
  { harbor, name }: Found,
  repository: Repository,
  manifest: Manifest,
  { query }: Asked,
): object {
  const { document } = manifest;
  const children = document.manifests?.map(({ digest }) => ({
    child_digest: digest,
    parent_id: 1,
    child_id: 2,
  }));
  const tags = repository.tagsOf(manifest.digest).map((tag) => ({
    name: tag,
    push_time: new Date(repository.tags.get(tag)?.pushedAt ?? 0).toISOString(),
    pull_time: NEVER,
    immutable: query.get("with_immutable_status") === "true" && harbor.isImmutable(name, tag),
  }));
  const accessories = accessoriesOf(repository, manifest.digest).map((one) => ({
    digest: one.digest,
    subject_artifact_digest: manifest.digest,
    subject_artifact_repo: name,
    size: sizeOf(repository, one),
    type: one.document.subject ? "subject.accessory" : "signature.cosign",
    creation_time: new Date(one.pushedAt).toISOString(),
  }));
  return {
    type: "IMAGE",
    digest: manifest.digest,
    manifest_media_type: manifest.mediaType,
    media_type: document.config?.mediaType ?? manifest.mediaType,
    artifact_type: document.artifactType ?? document.config?.mediaType ?? "",
    repository_name: name,
    size: sizeOf(repository, manifest),
    push_time: new Date(manifest.pushedAt).toISOString(),
    pull_time: manifest.pulledAt === null ? NEVER : new Date(manifest.pulledAt).toISOString(),
    extra_attrs: { created: createdOf(harbor, manifest), os: "linux" },
    references: children ?? null,
    tags: query.get("with_tag") === "false" || tags.length === 0 ? null : tags,
    accessories:
      query.get("with_accessory") === "true" && accessories.length > 0 ? accessories : null,
  };
}

/** Of an index with its children. */
function sizeOf(repository: Repository, { bytes, document }: Manifest): number {
  const named = [...(document.layers ?? []), ...(document.config ? [document.config] : [])];
  const children = (document.manifests ?? []).flatMap(
    ({ digest }) => repository.manifests.get(digest) ?? [],
  );
  return (
    bytes.length +
    named.reduce((sum, { size }) => sum + size, 0) +
    children.reduce((sum, child) => sum + sizeOf(repository, child), 0)
  );
}

function createdOf({ content }: HarborState, { document }: Manifest): string | undefined {
  const config = document.config && content.blobs.get(document.config.digest);
  if (!config) return undefined;
  return (JSON.parse(new TextDecoder().decode(config)) as { created?: string }).created;
}

function removeArtifact(found: Found, repository: Repository, { digest }: Manifest): Response {
  if (repository.parentsOf(digest).length > 0) {
    return error(
      412,
      "VIOLATE_FOREIGN_KEY_CONSTRAINT",
      "the deleting artifact is referenced by others",
    );
  }
  const fixed = repository.tagsOf(digest).find((tag) => found.harbor.isImmutable(found.name, tag));
  if (fixed !== undefined) return immutable(fixed);
  removeDeeply(repository, digest);
  return new Response(null, { status: 200 });
}

function removeTag(
  found: Found,
  repository: Repository,
  { digest }: Manifest,
  tag: string,
): Response {
  if (repository.tags.get(tag)?.digest !== digest) {
    return error(404, "NOT_FOUND", `tag ${tag} attached to artifact 1 not found`);
  }
  if (found.harbor.isImmutable(found.name, tag)) return immutable(tag);
  repository.tags.delete(tag);
  return new Response(null, { status: 200 });
}

function immutable(tag: string): Response {
  return error(412, "PRECONDITION", `the tag ${tag} configured as immutable, cannot be deleted`);
}
