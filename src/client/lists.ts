import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { CATALOG_SCOPE, type Connection, scopeOf } from "./connection.ts";
import type { Subject } from "./http/refusal.ts";
import type { Reply } from "./http/reply.ts";

/** Entries of one list; more is not a registry that a command line can show. */
const MOST_ENTRIES = 1_000_000;
/** How many entries are asked for: registries refuse more than they are configured for, some any number. */
const LARGE_PAGES = [1000, 100];
const MOST_PAGES = 10_000;
const LARGEST_PAGE = 32 * 1024 * 1024;
/** Longer is neither a name nor a tag. */
const LONGEST_ENTRY = 1024;

/** The tags of a repository, unchecked, in the registry's order. Throws NAME_UNKNOWN. */
export function listTags(connection: Connection, name: RepositoryName): AsyncGenerator<string> {
  return pages(connection, {
    path: `/v2/${name}/tags/list`,
    key: "tags",
    scope: scopeOf(name, "pull"),
    subject: { about: name, missing: "NAME_UNKNOWN" },
  });
}

/**
 * The names of all repositories, unchecked, in the registry's order. Throws REFUSED or REMOTE where a
 * registry keeps no catalog, as the large public ones do.
 */
export function listRepositories(connection: Connection): AsyncGenerator<string> {
  return pages(connection, {
    path: "/v2/_catalog",
    key: "repositories",
    scope: CATALOG_SCOPE,
    subject: { about: "the list of repositories", missing: "REMOTE" },
  });
}

/** Sees to it that a list which comes in pages has an end, whatever the other side says. */
export class PageGuard {
  readonly #seen = new Set<string>();
  #entries = 0;

  constructor(readonly origin: string) {}

  /** Throws REMOTE when the next page (`cursor`, null: none) is an old one, or the list has grown absurd. */
  turn(cursor: string | null, entries: number): void {
    this.#entries += entries;
    if (this.#entries > MOST_ENTRIES) throw this.#endless(`of more than ${MOST_ENTRIES} entries`);
    if (cursor === null) return;
    // A page without an entry that promises more could go on so for ever.
    if (this.#seen.has(cursor) || entries === 0) throw this.#endless("without end");
    if (this.#seen.size === MOST_PAGES) throw this.#endless(`of more than ${MOST_PAGES} pages`);
    this.#seen.add(cursor);
  }

  #endless(how: string): RegistryError {
    return new RegistryError("REMOTE", { reason: `${this.origin} sends a list ${how}` });
  }
}

/**
 * The strings under `key` on all pages of a list, each once. They are as the registry sent them: check them before
 * they go into a path, and make them printable before they are shown.
 *
 * Of a Link only the query is used: whatever host it names, the next page is asked for here.
 */
async function* pages(
  connection: Connection,
  list: {
    readonly path: string;
    readonly key: string;
    readonly scope: string;
    readonly subject: Subject;
  },
): AsyncGenerator<string> {
  const { origin } = connection.address;
  const guard = new PageGuard(origin);
  // A list that changes while it is read has some entries twice.
  const given = new Set<string>();
  const ask = async (query: string): Promise<Reply> =>
    await connection.ask({
      method: "GET",
      path: list.path + query,
      scope: list.scope,
      accept: "application/json",
    });
  const first = await firstPage(ask);
  const { size } = first;
  let { reply } = first;
  for (;;) {
    if (reply.status !== 200) throw await connection.refusal(reply, list.subject);
    const linked = nextQuery(reply.header("link"), origin);
    // Registries in Go say null for an empty list.
    const entries = (await reply.object(LARGEST_PAGE))[list.key] ?? [];
    if (!isNames(entries))
      throw new RegistryError("REMOTE", { reason: `${origin} sends no list of ${list.key}` });
    const fresh = [...new Set(entries)].filter((entry) => !given.has(entry));
    // Of half a list nobody would know that it is half: a page that is just full may have lost its Link on the way.
    // Some registries know of no pages, and send all of it again.
    const isFull = linked === null && entries.length === size && fresh.length > 0;
    const query = isFull ? `?n=${size}&last=${encodeURIComponent(entries.at(-1) ?? "")}` : linked;
    guard.turn(query, entries.length);
    for (const entry of fresh) {
      given.add(entry);
      yield entry;
    }
    if (query === null) return;
    reply = await ask(query);
    if (!isFull || ![400, 404, 405, 416, 422].includes(reply.status)) continue;
    // It was the end, and there is nothing to ask for.
    await reply.discard();
    return;
  }
}

/** The first answer that does not refuse the number of entries, else the last; and what number that is. */
async function firstPage(
  ask: (query: string) => Promise<Reply>,
): Promise<{ readonly reply: Reply; readonly size: number | null }> {
  for (const size of LARGE_PAGES) {
    const reply = await ask(`?n=${size}`);
    if (!isTooMany(reply.status)) return { reply, size };
    await reply.discard();
  }
  return { reply: await ask(""), size: null };
}

/** Registries do not agree on how to say that `n` is too large (distribution: 400). */
function isTooMany(status: number): boolean {
  return [400, 413, 416, 422].includes(status);
}

function isNames(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.every((entry) => typeof entry === "string" && entry.length <= LONGEST_ENTRY)
  );
}

/** The query of the next page, or null. @see RFC 8288; OCI distribution spec 1.1, "Listing Tags" */
export function nextQuery(link: string | null, origin: string): string | null {
  const [, target, parameters = ""] = /^\s*<([^>]*)>(.*)$/.exec(link ?? "") ?? [];
  if (target === undefined || !/;\s*rel="?next"?/i.test(parameters)) return null;
  return URL.parse(target, origin)?.search || null;
}
