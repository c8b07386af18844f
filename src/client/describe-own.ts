import { isDigest } from "../oci/digest.ts";
import { isRecord, isStrings } from "../oci/json.ts";
import type { RepositoryName } from "../oci/name.ts";
import { JsonError, parseStrictJson } from "../oci/strict-json.ts";
import { type Connection, scopeOf } from "./connection.ts";
import type { Content, ManifestDescription, TagDescription } from "./description.ts";
import type { Reply } from "./http/reply.ts";

/** Our own API, from the client's side; `http/api/` is the other. */

const LARGEST = 32 * 1024 * 1024;

type Document = Readonly<Record<string, unknown>>;

export interface TagsPage {
  readonly tags: readonly TagDescription[];
  /** The `last` of the next page, or null. */
  readonly next: string | null;
}

/**
 * Asks `/api/v1/{path}`, which is about the repository. Null when that is no API of ours: other registries answer
 * such a path in any way, some with a web page and 200, so that all but our own documents counts as none.
 * Throws what our own registry says of what is not there: NAME_UNKNOWN, MANIFEST_UNKNOWN (with `about`);
 * REMOTE when the answer is larger than it may be or does not come to its end: to fall back then would hide it.
 */
export async function askApi<T>(
  connection: Connection,
  name: RepositoryName,
  path: string,
  about: string,
  parse: (document: Document) => T | null,
): Promise<T | null> {
  const reply = await connection.ask({
    method: "GET",
    path: `/api/v1/${path}`,
    scope: scopeOf(name, "pull"),
    accept: "application/json",
  });
  if (reply.status === 200) {
    const document = await json(reply);
    return document?.["schemaVersion"] === 1 && document["name"] === name ? parse(document) : null;
  }
  if (reply.status === 404) {
    const error = await connection.refusal(reply, { about, missing: "REMOTE" });
    if (error.kind === "NAME_UNKNOWN" || error.kind === "MANIFEST_UNKNOWN") throw error;
  }
  await reply.discard();
  return null;
}

/** Null for anything but a JSON object. */
async function json(reply: Reply): Promise<Document | null> {
  // Outside of the try: an answer that is too large, or that breaks off, says nothing of whose it is.
  const bytes = await reply.read(LARGEST);
  try {
    const value = parseStrictJson(bytes);
    return isRecord(value) ? value : null;
  } catch (error) {
    if (error instanceof JsonError) return null;
    throw error;
  }
}

export function parseTagsPage({ tags, next }: Document): TagsPage | null {
  if (!Array.isArray(tags) || (next !== null && typeof next !== "string")) return null;
  const parsed = tags.map(parseTag);
  return parsed.every((tag) => tag !== null) ? { tags: parsed, next } : null;
}

function parseTag(value: unknown): TagDescription | null {
  if (!isRecord(value)) return null;
  const { tag, pushedAt } = value;
  const content = parseContent(value);
  if (typeof tag !== "string" || typeof pushedAt !== "number" || !content) return null;
  return { tag, content, pushedAt };
}

export function parseManifestPage(document: Document): ManifestDescription | null {
  const content = parseContent(document);
  const { tags } = document;
  return content && isStrings(tags) ? { ...content, tags } : null;
}

function parseContent({ digest, mediaType, size, platforms }: Document): Content | null {
  if (typeof digest !== "string" || !isDigest(digest)) return null;
  if (typeof mediaType !== "string" || typeof size !== "number" || !isStrings(platforms))
    return null;
  return { digest, mediaType, size, platforms };
}
