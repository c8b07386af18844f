import type { Fixture } from "./image.ts";
import type { Blob } from "./oci.ts";

/** Pushes as clients do: what is there already is not sent again. Throws unless the registry takes all of it. */
export async function push(
  fixture: Fixture,
  url: string,
  repository: string,
  tags: readonly string[],
): Promise<void> {
  for (const child of fixture.children) await push(child, url, repository, []);
  for (const blob of fixture.blobs) await pushBlob(blob, url, repository);
  for (const reference of tags.length === 0 ? [fixture.digest] : tags) {
    const path = `/v2/${repository}/manifests/${reference}`;
    await expectStatus(201, url + path, {
      method: "PUT",
      headers: { "content-type": fixture.mediaType },
      body: fixture.bytes,
    });
  }
}

export async function pushBlob(blob: Blob, url: string, repository: string): Promise<void> {
  const { digest } = blob.descriptor;
  const known = await fetch(`${url}/v2/${repository}/blobs/${digest}`, { method: "HEAD" });
  if (known.status === 200) return;
  const session = await startUpload(url, repository);
  await expectStatus(201, withDigest(session, digest), {
    method: "PUT",
    headers: { "content-type": "application/octet-stream" },
    body: blob.bytes,
  });
}

/** Opens an upload, and returns the address that its bytes are sent to. */
export async function startUpload(url: string, repository: string): Promise<string> {
  const response = await expectStatus(202, `${url}/v2/${repository}/blobs/uploads/`, {
    method: "POST",
  });
  return locationOf(response, url);
}

/** Locations may be relative, and may carry a query of their own. */
export function locationOf(
  response: { headers: { get(name: string): string | null } },
  url: string,
): string {
  const location = response.headers.get("location");
  if (location === null) throw new Error("the answer has no Location");
  return new URL(location, url).href;
}

export function withDigest(session: string, digest: string): string {
  const address = new URL(session);
  address.searchParams.set("digest", digest);
  return address.href;
}

export async function expectStatus(
  status: number,
  url: string,
  init?: RequestInit,
): Promise<Response> {
  const response = await fetch(url, init);
  if (response.status !== status) {
    throw new Error(
      `${init?.method ?? "GET"} ${url} was answered ${response.status}, not ${status}: ${await response.text()}`,
    );
  }
  return response;
}
