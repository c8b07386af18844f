import { RegistryError } from "../oci/errors.ts";
import { isRecord } from "../oci/json.ts";
import { JsonError, parseStrictJson } from "../oci/strict-json.ts";
import type { Ask, Connection } from "./connection.ts";
import { printable } from "./http/printable.ts";
import type { Subject } from "./http/refusal.ts";
import type { Reply } from "./http/reply.ts";

/** Harbor's own API, version 2.0, from the client's side: asking, listing, and what its refusals mean. */

export const HARBOR_API = "/api/v2.0";

/** The most that Harbor gives at once. */
const PAGE = 100;
const LARGEST_PAGE = 32 * 1024 * 1024;
const LARGEST_DOCUMENT = 4 * 1024 * 1024;
const LARGEST_REFUSAL = 64 * 1024;
/** Entries of one list. */
const MOST_ENTRIES = 1_000_000;
/** How often a list that changes while it is read is begun again. */
const READINGS = 3;

export type Document = Readonly<Record<string, unknown>>;

/** What a Harbor says of itself. */
export interface HarborInfo {
  /** Such as `v2.11.0-70c58b2a`. Null: it says that only to those whom it knows, and took us for nobody. */
  readonly version: string | null;
  /** Nothing can be pushed or deleted at the moment. */
  readonly readOnly: boolean;
}

/**
 * Asks a registry whether it is a Harbor; null when it is not. No password goes to it unless it asks for one,
 * which a Harbor does not. Throws REMOTE when it does not answer, or only with an error of its own (5xx, 429): to
 * take a Harbor for something else because of that would mean to read its manifests one by one, and each
 * of these readings counts as a pull there.
 */
export async function recognizeHarbor(connection: Connection): Promise<HarborInfo | null> {
  return await systemInfo(connection, false);
}

/**
 * Makes sure that a registry is a Harbor, and that it knows who we are: a wrong password makes nobody of
 * us there, whom it shows its public projects with 200. Throws REMOTE or CREDENTIALS.
 */
export async function requireHarbor(connection: Connection): Promise<HarborInfo> {
  const info = await systemInfo(connection, true);
  const { origin, host } = connection.address;
  if (!info) throw new RegistryError("REMOTE", { reason: `${origin} is not a Harbor` });
  if (info.version === null) {
    throw new RegistryError("CREDENTIALS", {
      reason: `${host}, a Harbor, does not know this user and password, and would show only what everybody may see`,
    });
  }
  return info;
}

async function systemInfo(connection: Connection, upfront: boolean): Promise<HarborInfo | null> {
  const path = `${HARBOR_API}/systeminfo`;
  let reply: Reply;
  try {
    reply = await askHarbor(connection, { method: "GET", path }, upfront);
  } catch (error) {
    // Harbor tells this to everybody: who wants other credentials for it is something else.
    if (error instanceof RegistryError && error.kind === "CREDENTIALS") return null;
    throw error;
  }
  if (reply.status === 429 || reply.status >= 500) {
    throw await connection.refusal(reply, { about: "what kind it is", missing: "REMOTE" });
  }
  if (reply.status !== 200) {
    await reply.discard();
    return null;
  }
  const document = await anyJson(reply, LARGEST_DOCUMENT);
  if (!isRecord(document) || typeof document["auth_mode"] !== "string") return null;
  const { harbor_version: version, read_only: readOnly } = document;
  return {
    version: typeof version === "string" ? printable(version, 100) : null,
    readOnly: readOnly === true,
  };
}

/**
 * Asks with the password at once: without one, Harbor answers with what everybody may see, and never
 * asks for it. Any answer is returned but a 401.
 */
export async function askHarbor(
  connection: Connection,
  ask: Omit<Ask, "scope" | "accept" | "upfront">,
  upfront = true,
): Promise<Reply> {
  const accept = "application/json";
  return await connection.ask({ ...ask, scope: "harbor", accept, ...(upfront && { upfront }) });
}

/** One document. Throws what `harborRefusal` makes of anything but a 200. */
export async function harborDocument(
  connection: Connection,
  path: string,
  subject: Subject,
): Promise<Document> {
  const reply = await askHarbor(connection, { method: "GET", path: HARBOR_API + path });
  if (reply.status !== 200) throw await harborRefusal(connection, reply, subject);
  return await reply.object(LARGEST_DOCUMENT);
}

/** How many entries a list has. */
export async function harborCount(
  connection: Connection,
  path: string,
  query: Readonly<Record<string, string>>,
  subject: Subject,
): Promise<number> {
  const { total } = await page(connection, path, { ...query, page: "1", page_size: "1" }, subject);
  if (total !== null) return total;
  const { origin } = connection.address;
  throw new RegistryError("REMOTE", { reason: `${origin} does not say how long a list is` });
}

/**
 * A whole list. Its pages are counted from its beginning, so that an entry that goes while it is read
 * moves another one past us: the length that Harbor says must stay, and be that of what came, otherwise it is
 * read again, and at last given up with REMOTE. `key` tells entries apart.
 */
export async function harborList(
  connection: Connection,
  path: string,
  query: Readonly<Record<string, string>>,
  key: string,
  subject: Subject,
): Promise<Document[]> {
  for (let left = READINGS; left > 0; left--) {
    const found = new Map<unknown, Document>();
    const totals = new Set<number | null>();
    for (let number = 1, more = true; more; number++) {
      const paging = { page: String(number), page_size: String(PAGE) };
      const next = await page(connection, path, { ...query, ...paging }, subject);
      for (const entry of next.entries) found.set(entry[key], entry);
      totals.add(next.total);
      more = next.entries.length > 0 && (next.more || (next.total ?? 0) > number * PAGE);
      if (number * PAGE > MOST_ENTRIES) throw endless(connection, subject);
    }
    const [total = null] = totals;
    if (totals.size === 1 && (total === null || total === found.size)) return [...found.values()];
  }
  throw new RegistryError("REMOTE", {
    reason: `${subject.about}: the list of ${connection.address.origin} changes all the time`,
  });
}

interface Page {
  readonly entries: readonly Document[];
  /** Of the whole list; null: it does not say. */
  readonly total: number | null;
  /** It has a Link to a next page. */
  readonly more: boolean;
}

async function page(
  connection: Connection,
  path: string,
  query: Readonly<Record<string, string>>,
  subject: Subject,
): Promise<Page> {
  const search = new URLSearchParams(query).toString();
  const reply = await askHarbor(connection, {
    method: "GET",
    path: `${HARBOR_API}${path}?${search}`,
  });
  if (reply.status !== 200) throw await harborRefusal(connection, reply, subject);
  const count = reply.header("x-total-count");
  const more = /;\s*rel="?next"?/i.test(reply.header("link") ?? "");
  const sent = await anyJson(reply, LARGEST_PAGE);
  // An empty list of Go may be null.
  const list = sent === null ? [] : sent;
  if (!Array.isArray(list) || !list.every(isRecord)) {
    const { origin } = connection.address;
    throw new RegistryError("REMOTE", { reason: `${subject.about}: ${origin} sends no list` });
  }
  return { entries: list, total: count !== null && /^\d{1,9}$/.test(count) ? +count : null, more };
}

/**
 * The error that an unwanted answer of Harbor's API means. That something is not there (`missing`) counts
 * only from Harbor itself: it says 404 also of paths that it does not know, as it does when a proxy on the
 * way has decoded the slash in a name, and that says nothing about images.
 */
export async function harborRefusal(
  connection: Connection,
  reply: Reply,
  subject: Subject,
): Promise<RegistryError> {
  const { status } = reply;
  if (status !== 404 && status !== 412) return await connection.refusal(reply, subject);
  const { code, message } = await words(reply);
  const { about, missing } = subject;
  const { origin } = connection.address;
  if (status === 404 && code === "NOT_FOUND" && !/^path .* was not found$/.test(message)) {
    return new RegistryError(missing, { reason: about, status, code });
  }
  const said = printable([code, message].filter(Boolean).join(": "), 300);
  const reason = `${about}: ${origin} answers ${status}${said && ` (${said})`}`;
  // 412: an immutable tag, or an index that needs what was to go.
  return new RegistryError(status === 412 ? "REFUSED" : "REMOTE", { reason, status, code });
}

async function words(reply: Reply): Promise<{ code: string; message: string }> {
  let document: unknown;
  try {
    document = await anyJson(reply, LARGEST_REFUSAL);
  } catch {
    document = null;
  }
  const errors: unknown = isRecord(document) ? document["errors"] : null;
  const first: unknown = Array.isArray(errors) ? errors[0] : null;
  const { code, message } = isRecord(first) ? first : {};
  return {
    code: typeof code === "string" ? code : "",
    message: typeof message === "string" ? message : "",
  };
}

/** Undefined for what is no JSON; null is a value of it. */
async function anyJson(reply: Reply, limit: number): Promise<unknown> {
  const bytes = await reply.read(limit);
  try {
    return parseStrictJson(bytes);
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

function endless({ address }: Connection, { about }: Subject): RegistryError {
  return new RegistryError("REMOTE", {
    reason: `${about}: ${address.origin} sends a list without end`,
  });
}
