import { Database } from "bun:sqlite";
import { join } from "node:path";
import { digest } from "../../protocol/support/content.ts";

/** All content that the registry knows, a line each: `kind repository digest-or-tag`. */
export async function keptContent(data: string): Promise<Set<string>> {
  const db = new Database(join(data, "wharfinger", "metadata.sqlite"), { readonly: true });
  try {
    const rows = (kind: string, table: string, column: string): string[] =>
      db
        .query<{ name: string; value: string }, []>(
          `SELECT r.name, t.${column} AS value FROM ${table} t
             JOIN repositories r ON r.id = t.repository_id`,
        )
        .all()
        .map(({ name, value }) => `${kind} ${name} ${value}`);
    return new Set([
      ...rows("blob", "repository_blobs", "digest"),
      ...rows("manifest", "manifests", "digest"),
      ...rows("tag", "tags", "name"),
    ]);
  } finally {
    db.close();
  }
}

/**
 * Text in which the digest or tag of all stands that requests without an answer may have stored: the
 * requests themselves, and the digests of what may be a manifest in them.
 */
export function possiblyStored(requests: readonly string[]): string {
  const digests = requests.flatMap((request) =>
    [...request.matchAll(/\r\n\r\n/g)].flatMap(({ index }) => {
      const rest = Buffer.from(request.slice(index + 4), "latin1");
      const lengths = [...request.matchAll(/^content-length: *(\d+)/gim)].map(([, n]) => Number(n));
      return [rest.length, ...lengths].map((length) => digest(rest.subarray(0, length)));
    }),
  );
  return [...requests, ...digests].join("\n");
}

/** What the answers to a request say has been stored: each 201 names a place, and maybe tags. */
export function acknowledged(request: string, answers: string): string[] {
  const said: string[] = [];
  for (const answer of answers.split(/(?=HTTP\/1\.1 )/)) {
    if (!answer.startsWith("HTTP/1.1 201")) continue;
    const header = (name: string): string =>
      new RegExp(`^${name}: ([^\\r\\n]*)`, "im").exec(answer)?.[1] ?? "";
    const place = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(header("location"));
    if (!place) continue;
    const [, name, resource, named] = place;
    said.push(`${resource === "blobs" ? "blob" : "manifest"} ${name} ${named}`);
    for (const tag of header("oci-tag").split(", "))
      if (tag !== "") said.push(`tag ${name} ${tag}`);
    // The tag in the address is not repeated in the answer.
    for (const [, tag] of request.matchAll(/\/manifests\/([^\s?/]+)/g))
      said.push(`tag ${name} ${tag}`);
  }
  return said;
}
