/** Looks at answers outside the measured time: a server that is fast and wrong is not fast. */
import { createHash } from "node:crypto";
import type { Server } from "./servers.ts";

export const manifestType = "application/vnd.oci.image.manifest.v1+json";

/** The strings under `key`, as in `{"tags": [...]}`; none when the server has no such list. */
export async function names(server: Server, path: string, key: string): Promise<string[]> {
  const answer = await fetch(server.url + path, { signal: AbortSignal.timeout(60_000) });
  const body: unknown = await answer.json().catch(() => undefined);
  const list: unknown =
    typeof body === "object" && body !== null ? Reflect.get(body, key) : undefined;
  return answer.ok && Array.isArray(list) ? list.filter((name) => typeof name === "string") : [];
}

/** The digest of the bytes that a tag answers with, whatever its headers claim; or the status. */
export async function digestOfManifest(
  server: Server,
  repository: string,
  tag: string,
): Promise<string> {
  const answer = await fetch(`${server.url}/v2/${repository}/manifests/${tag}`, {
    headers: { accept: manifestType },
    signal: AbortSignal.timeout(60_000),
  });
  const bytes = await answer.bytes();
  return answer.ok ? digestOf(bytes) : `status ${answer.status}`;
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
