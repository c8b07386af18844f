import { type Asked, type Place, error, page, plain } from "./asked.ts";
import type { Manifest, Repository } from "./content.ts";
import { listRepositories, listTags } from "./lists.ts";
import { answerUpload } from "./uploads.ts";

const ROUTE =
  /^\/v2\/(?<name>[a-z0-9][a-z0-9._/-]*)\/(?:(?<tags>tags\/list)|manifests\/(?<reference>[^/]+)|blobs\/(?<digest>[a-z0-9]+:[0-9a-f]+)|blobs\/uploads\/(?<upload>[^/]*)|referrers\/(?<subject>[^/]+))$/;

/** The OCI distribution API of a stand-in, whoever asks. */
export function answerDistribution(place: Place, asked: Asked): Response {
  if (asked.path === "/v2/") return Response.json({});
  if (asked.path === "/v2/_catalog") return listRepositories(place, asked);
  const found = ROUTE.exec(asked.path)?.groups;
  if (!found) return unknownRoute(place);
  const name = found["name"] ?? "";
  if (found["tags"] !== undefined) return listTags(place, asked, name);
  if (found["upload"] !== undefined) return answerUpload(place, asked, name, found["upload"]);
  if (found["digest"] !== undefined) return readBlob(place, asked, found["digest"]);
  if (found["subject"] !== undefined) return listReferrers(place, name, found["subject"]);
  const reference = found["reference"] ?? "";
  switch (asked.method) {
    case "GET":
    case "HEAD":
      return readManifest(place, asked, name, reference);
    case "PUT":
      return putManifest(place, asked, name, reference);
    case "DELETE":
      return remove(place, name, reference);
    default:
      return error(405, "UNSUPPORTED");
  }
}

function unknownRoute(place: Place): Response {
  return place.is("web-page-404") ? page(404, "404 Not Found") : plain(404, "404 page not found");
}

function missing(place: Place, code: string, what: string): Response {
  if (place.is("web-page-404")) return page(404, "404 Not Found");
  return error(404, place.is("not-found-code") ? "NOT_FOUND" : code, `${what} not found`);
}

function readBlob(place: Place, { method }: Asked, digest: string): Response {
  const bytes = place.content.blobs.get(digest);
  if (!bytes) return missing(place, "BLOB_UNKNOWN", digest);
  const headers = {
    "docker-content-digest": digest,
    "content-type": "application/octet-stream",
    "content-length": String(bytes.length),
  };
  return new Response(method === "HEAD" ? null : bytes, { headers });
}

function readManifest(place: Place, asked: Asked, name: string, reference: string): Response {
  const manifest = place.content.find(name)?.resolve(reference);
  if (!manifest) return missing(place, "MANIFEST_UNKNOWN", `${name}:${reference}`);
  const accepted = asked.headers.get("accept") ?? "";
  const oci = manifest.mediaType.startsWith("application/vnd.oci.");
  if (place.is("accept-needed") && oci && !accepted.includes(manifest.mediaType)) {
    return error(404, "MANIFEST_UNKNOWN", "accept header does not support OCI manifests");
  }
  const head = asked.method === "HEAD";
  if (!head && place.is("reading-is-pulling")) manifest.pulledAt = place.content.time();
  const silent = place.is(head ? "head-without-digest" : "get-without-digest");
  return new Response(head ? null : manifest.bytes, {
    headers: {
      "content-type":
        head && place.is("head-octet-stream") ? "application/octet-stream" : manifest.mediaType,
      "content-length": String(manifest.bytes.length),
      ...(!silent && { "docker-content-digest": manifest.digest }),
    },
  });
}

function putManifest(place: Place, asked: Asked, name: string, reference: string): Response {
  const { content } = place;
  const type = asked.headers.get("content-type") ?? "";
  const digested = reference.includes(":");
  const manifest = content.putManifest(name, digested ? null : reference, type, asked.bytes);
  if (digested && manifest.digest !== reference) {
    content.find(name)?.remove(manifest.digest);
    return error(400, "DIGEST_INVALID");
  }
  const lost = missingParts(place, name, manifest);
  if (lost !== null) {
    content.find(name)?.remove(manifest.digest);
    return error(404, "MANIFEST_BLOB_UNKNOWN", lost);
  }
  const subject = manifest.document.subject?.digest;
  const tells = subject !== undefined && !hasNoReferrers(place);
  return new Response(null, {
    status: 201,
    headers: {
      location: `/v2/${name}/manifests/${manifest.digest}`,
      "docker-content-digest": manifest.digest,
      ...(tells && { "oci-subject": subject }),
    },
  });
}

function missingParts(place: Place, name: string, { document }: Manifest): string | null {
  const { config, layers = [], manifests = [] } = document;
  const blobs = config ? [config, ...layers] : layers;
  const lost =
    blobs.find(({ digest }) => !place.content.blobs.has(digest)) ??
    manifests.find(({ digest }) => !place.content.find(name)?.manifests.has(digest));
  return lost?.digest ?? null;
}

function hasNoReferrers(place: Place): boolean {
  return place.is("no-referrers") || place.is("referrers-404") || place.is("referrers-406");
}

/** @see OCI distribution spec 1.1, "Listing Referrers" */
function listReferrers(place: Place, name: string, subject: string): Response {
  if (place.is("no-referrers") || place.is("web-page-404")) return unknownRoute(place);
  if (place.is("referrers-404")) return error(404, "NOT_FOUND");
  if (place.is("referrers-406")) return error(406, "UNSUPPORTED");
  const found = place.content.find(name)?.referrersOf(subject) ?? [];
  const manifests = found.map(({ mediaType, digest, bytes, document }) => ({
    mediaType,
    digest,
    size: bytes.length,
    artifactType: document.artifactType ?? document.config?.mediaType,
    annotations: document.annotations,
  }));
  const mediaType = "application/vnd.oci.image.index.v1+json";
  return Response.json(
    { schemaVersion: 2, mediaType, manifests },
    { headers: { "content-type": mediaType } },
  );
}

/** @see OCI distribution spec 1.1, "Deleting Tags" and "Deleting Manifests" */
function remove(place: Place, name: string, reference: string): Response {
  if (place.is("delete-405")) return error(405, "UNSUPPORTED", "The operation is unsupported.");
  if (place.is("delete-404-page")) return plain(404, "404 page not found");
  const repository = place.content.find(name);
  if (!repository) {
    const status = place.is("delete-unknown-name-400") ? 400 : 404;
    return status === 400 ? error(status, "NAME_UNKNOWN") : missing(place, "NAME_UNKNOWN", name);
  }
  const done = reference.includes(":")
    ? removeManifest(place, repository, reference)
    : removeTag(place, repository, reference);
  if (done) return done;
  const stays = place.is("empty-repositories-stay") || place.is("no-tags-404");
  if (repository.manifests.size === 0 && !stays) place.content.forget(name);
  return new Response(null, { status: 202 });
}

/** Null: done. */
function removeTag(place: Place, repository: Repository, tag: string): Response | null {
  if (place.is("tag-delete-digest-invalid")) return error(400, "DIGEST_INVALID");
  if (place.is("tag-delete-400")) return error(400, "UNSUPPORTED", `unsupported digest ${tag}`);
  if (place.is("tag-delete-405")) return error(405, "UNSUPPORTED");
  const manifest = repository.resolve(tag);
  if (!manifest) return missing(place, "MANIFEST_UNKNOWN", `${repository.name}:${tag}`);
  if (place.is("tag-delete-takes-all")) return removeManifest(place, repository, manifest.digest);
  repository.tags.delete(tag);
  return null;
}

function removeManifest(place: Place, repository: Repository, digest: string): Response | null {
  const manifest = repository.manifests.get(digest);
  if (!manifest) return missing(place, "MANIFEST_UNKNOWN", `${repository.name}@${digest}`);
  if (repository.parentsOf(digest).length > 0) {
    if (place.is("child-delete-405")) return error(405, "DENIED", "manifest is referenced");
    if (place.is("child-delete-refused")) return error(409, "MANIFEST_REFERENCED_IN_LIST");
  }
  if (place.is("collision-409") && collides(place, repository, digest)) {
    return error(409, "MANIFEST_INVALID", "several tags share the manifest");
  }
  repository.remove(digest);
  if (place.is("index-delete-takes-children")) {
    for (const child of manifest.document.manifests ?? []) {
      const free = repository.tagsOf(child.digest).length === 0;
      if (free && repository.parentsOf(child.digest).length === 0) repository.remove(child.digest);
    }
  }
  return null;
}

/** Only users who were given this strange right meet it; by default nobody has. */
function collides({ content }: Place, repository: Repository, digest: string): boolean {
  return content.detectsCollisions && repository.tagsOf(digest).length > 1;
}
