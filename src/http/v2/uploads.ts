import { type DigestAlgorithm, type Digest, isAlgorithm, parseDigest } from "../../oci/digest.ts";
import { RegistryError } from "../../oci/errors.ts";
import { parseName, type RepositoryName } from "../../oci/name.ts";
import { mountBlob } from "../../registry/blobs.ts";
import type { UploadSession } from "../../registry/upload-sessions.ts";
import { uploadRange } from "../../registry/upload-state.ts";
import { appendChunk, cancelUpload, finishUpload } from "../../registry/uploads.ts";
import { type Exchange, type Handler, parameter } from "../exchange.ts";
import { single } from "../query.ts";
import { announced } from "../range.ts";
import { empty } from "../reply.ts";
import { whoAsks } from "../who.ts";

/** Starts an upload; with `mount` or `digest` and a body it may be all that is needed. */
export const postUpload: Handler = async (exchange) => {
  const { query, registry } = exchange;
  const name = parseName(parameter(exchange, "name"));
  const mounted = await mount(exchange, name);
  if (mounted) return created(exchange, name, mounted);

  const digest = digestOf(query);
  const owner = exchange.caller.name;
  const session = registry.uploads.open(name, algorithm(query), registry.now(), owner);
  if (digest === null) return progress(exchange, session, 202);
  try {
    return await finish(exchange, session, digest);
  } catch (error) {
    // Nobody was told where this upload is, so nobody could go on with it.
    await registry.uploads.discard(session);
    throw error;
  }
};

export const getUpload: Handler = async (exchange) => {
  const session = find(exchange);
  await exchange.registry.uploads.settled(session);
  return progress(exchange, session, 204);
};

export const patchUpload: Handler = async (exchange) => {
  const { request, registry } = exchange;
  const session = find(exchange);
  await located(exchange, session, async () => {
    await appendChunk(session, request.body, announced(request.headers), registry);
  });
  return progress(exchange, session, 202);
};

export const putUpload: Handler = async (exchange) => {
  const session = find(exchange);
  const digest = digestOf(exchange.query);
  if (digest === null) {
    throw new RegistryError("DIGEST_INVALID", { reason: "the digest parameter is missing" });
  }
  return await finish(exchange, session, digest);
};

export const deleteUpload: Handler = async (exchange) => {
  await cancelUpload(find(exchange), exchange.registry);
  return empty(204);
};

async function finish(
  exchange: Exchange,
  session: UploadSession,
  digest: Digest,
): Promise<Response> {
  const { request, registry } = exchange;
  const blob = await located(exchange, session, async () => {
    const length = announced(request.headers);
    return await finishUpload(session, digest, request.body, length, whoAsks(exchange), registry);
  });
  return created(exchange, session.name, blob.digest);
}

/** A chunk out of order is answered with the place to go on from. */
async function located<T>(
  exchange: Exchange,
  session: UploadSession,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RegistryError) || error.kind !== "UPLOAD_OUT_OF_ORDER") throw error;
    throw new RegistryError(error.kind, error.detail, { headers: place(exchange, session) });
  }
}

function find(exchange: Exchange): UploadSession {
  const name = parseName(parameter(exchange, "name"));
  return exchange.registry.uploads.find(name, parameter(exchange, "id"), exchange.caller.name);
}

/**
 * Null when nothing was to be mounted, or could not be: the client gets an upload instead. The same when
 * the caller may not pull what he wants to mount; without `from` that is anything.
 */
async function mount(exchange: Exchange, name: RepositoryName): Promise<Digest | null> {
  const wanted = single(exchange.query, "mount");
  if (wanted === null) return null;
  const from = single(exchange.query, "from");
  const source = from === null || from === "" ? null : parseName(from);
  const digest = parseDigest(wanted);
  const { caller } = exchange;
  const may = source === null ? caller.mayEverywhere("pull") : caller.may("pull", source);
  if (!may) return null;
  const blob = await mountBlob(name, digest, source, whoAsks(exchange), exchange.registry);
  return blob?.digest ?? null;
}

function digestOf(query: URLSearchParams): Digest | null {
  const digest = single(query, "digest");
  return digest === null ? null : parseDigest(digest);
}

function algorithm(query: URLSearchParams): DigestAlgorithm {
  const wanted = single(query, "digest-algorithm") ?? "sha256";
  if (isAlgorithm(wanted)) return wanted;
  throw new RegistryError("DIGEST_INVALID", {
    reason: `the algorithm ${JSON.stringify(wanted.slice(0, 40))} is not sha256 or sha512`,
  });
}

function created({ publicUrl }: Exchange, name: RepositoryName, digest: Digest): Response {
  const location = `${publicUrl}/v2/${name}/blobs/${digest}`;
  return empty(201, { location, "docker-content-digest": digest });
}

function progress(exchange: Exchange, session: UploadSession, status: number): Response {
  return empty(status, place(exchange, session));
}

function place({ publicUrl }: Exchange, { name, id, offset }: UploadSession) {
  return {
    location: `${publicUrl}/v2/${name}/blobs/uploads/${id}`,
    range: uploadRange(offset),
    "docker-upload-uuid": id,
  };
}
