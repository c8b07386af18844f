import { randomBytes } from "./oci.ts";
import { expectStatus, locationOf, startUpload, withDigest } from "./push.ts";
import { chunked, lastChunk, openRequest } from "./wire.ts";

const blockSize = 1_048_576;

/** A blob that is made while it is sent: one random block, again and again, each time with its number in front. */
export function* blocks(size: number): Generator<Uint8Array> {
  const block = randomBytes(blockSize);
  const number = new DataView(block.buffer);
  for (let at = 0; at < size; at += blockSize) {
    number.setUint32(0, at / blockSize);
    yield block.subarray(0, Math.min(blockSize, size - at));
  }
}

/** Uploads as docker does: one PATCH of unknown length, then a PUT that names the digest. Returns the digest. */
export async function uploadLarge(url: string, repository: string, size: number): Promise<string> {
  const session = await startUpload(url, repository);
  const hash = new Bun.CryptoHasher("sha256");
  using patch = await openRequest("PATCH", session, {
    "content-type": "application/octet-stream",
    "transfer-encoding": "chunked",
  });
  for (const block of blocks(size)) {
    hash.update(block);
    await patch.send(chunked(block));
  }
  await patch.send(lastChunk);
  const { status, headers } = await patch.answer();
  if (status !== 202) throw new Error(`PATCH was answered ${status}`);
  const digest = `sha256:${hash.digest("hex")}`;
  await expectStatus(201, withDigest(locationOf({ headers }, url), digest), { method: "PUT" });
  return digest;
}

/** Uploads in small pieces with pauses, in one PUT whose length is known. Returns the status. */
export async function uploadSlowly(
  url: string,
  repository: string,
  bytes: Uint8Array,
  digest: string,
  pause: number,
): Promise<number> {
  const session = await startUpload(url, repository);
  using put = await openRequest("PUT", withDigest(session, digest), {
    "content-type": "application/octet-stream",
    "content-length": String(bytes.byteLength),
  });
  for (let at = 0; at < bytes.byteLength; at += 65_536) {
    await put.send(bytes.subarray(at, at + 65_536));
    await Bun.sleep(pause);
  }
  return (await put.answer()).status;
}

/** Downloads, and returns the digest of what came. */
export async function downloadLarge(
  url: string,
  repository: string,
  digest: string,
): Promise<string> {
  using get = await openRequest("GET", `${url}/v2/${repository}/blobs/${digest}`);
  const hash = new Bun.CryptoHasher("sha256");
  await get.answer();
  for await (const chunk of get.body()) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

/** Starts a download, takes a little of it now and then until told to stop, and hangs up. Returns the bytes it took. */
export async function downloadSlowly(
  url: string,
  repository: string,
  digest: string,
  until: AbortSignal,
): Promise<number> {
  using get = await openRequest("GET", `${url}/v2/${repository}/blobs/${digest}`);
  await get.answer();
  let taken = 0;
  for await (const chunk of get.body()) {
    taken += chunk.byteLength;
    if (until.aborted) break;
    await Bun.sleep(100);
  }
  return taken;
}
