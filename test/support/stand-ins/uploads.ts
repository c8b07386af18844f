import { type Asked, type Place, error } from "./asked.ts";
import { sha256 } from "./content.ts";

/** Uploads of blobs, in one piece or several. @see OCI distribution spec 1.1, "Pushing blobs" */
export function answerUpload(place: Place, asked: Asked, name: string, id: string): Response {
  const { content } = place;
  const { method, query, bytes } = asked;
  if (method === "POST" && id === "") {
    const mount = query.get("mount");
    if (mount !== null && content.blobs.has(mount)) return created(name, mount);
    const session = crypto.randomUUID();
    content.uploads.set(session, new Uint8Array());
    return accepted(name, session, 0);
  }
  const sent = content.uploads.get(id);
  if (!sent) return error(404, "BLOB_UPLOAD_UNKNOWN");
  if (method === "DELETE") {
    content.uploads.delete(id);
    return new Response(null, { status: 204 });
  }
  if (method !== "PATCH" && method !== "PUT") return error(405, "UNSUPPORTED");
  const all = new Uint8Array([...sent, ...bytes]);
  if (method === "PATCH") {
    content.uploads.set(id, all);
    return accepted(name, id, all.length);
  }
  content.uploads.delete(id);
  if (sha256(all) !== query.get("digest")) return error(400, "DIGEST_INVALID");
  return created(name, content.putBlob(all));
}

function accepted(name: string, session: string, size: number): Response {
  return new Response(null, {
    status: 202,
    headers: {
      location: `/v2/${name}/blobs/uploads/${session}`,
      range: `0-${Math.max(0, size - 1)}`,
    },
  });
}

function created(name: string, digest: string): Response {
  return new Response(null, {
    status: 201,
    headers: { location: `/v2/${name}/blobs/${digest}`, "docker-content-digest": digest },
  });
}
