import { type Asked, type Place, error, page, plain } from "./asked.ts";

/** The most that some give at once. */
const LIMIT = 1000;

export function listRepositories(place: Place, asked: Asked): Response {
  if (place.is("no-catalog")) return plain(404, "404 page not found");
  const n = numberOf(asked);
  if (place.is("catalog-n-limit") && n > LIMIT && n < Infinity)
    return error(400, "PAGINATION_NUMBER_INVALID");
  if (place.is("n-limit-unsupported") && n > LIMIT && n < Infinity) return tooMany();
  const names = place.content.all().map(({ name }) => name);
  const last = asked.query.get("last");
  if (place.is("catalog-last-must-exist") && last !== null && !names.includes(last)) {
    return error(400, "BAD_REQUEST", `the last: ${last} should be a valid repository name.`);
  }
  // Those with a limit have it for who says no number, too; 2.8 gives a hundred then.
  const most = asked.query.has("n") || !place.is("catalog-n-limit") ? n : 100;
  return pageOf(place, asked, "repositories", names, most);
}

export function listTags(place: Place, asked: Asked, name: string): Response {
  const found = place.content.find(name);
  const repository = place.is("no-tags-404") && found?.tags.size === 0 ? null : found;
  if (!repository) {
    if (place.is("web-page-404")) return page(404, "404 Not Found");
    return error(
      404,
      place.is("not-found-code") ? "NOT_FOUND" : "NAME_UNKNOWN",
      `${name} not found`,
    );
  }
  const tags = repository.tagNames();
  if (place.is("tags-unsorted")) tags.reverse();
  if (place.is("tags-without-pages")) {
    const none = tags.length === 0 && place.is("empty-lists-null");
    return Response.json({ name, tags: none ? null : tags });
  }
  const n = numberOf(asked);
  if (place.is("n-limit-unsupported") && n > LIMIT && n < Infinity) return tooMany();
  const last = asked.query.get("last");
  if (place.is("tags-last-must-exist") && last !== null && !tags.includes(last)) {
    return new Response(null, { status: 404 });
  }
  return pageOf(place, asked, "tags", tags, n, { name });
}

/** @see OCI distribution spec 1.1, "Listing Tags" */
function pageOf(
  place: Place,
  asked: Asked,
  key: string,
  all: readonly string[],
  n: number,
  more: object = {},
): Response {
  const opaque = place.is("link-next-page");
  const token = asked.query.get("next_page");
  const after = opaque && token !== null ? atob(token) : (asked.query.get("last") ?? "");
  const rest = all.filter((entry) => entry > after);
  const entries = rest.slice(0, n);
  const end = entries.at(-1);
  const headers: Record<string, string> = {};
  if (end !== undefined && entries.length < rest.length) {
    const next = opaque
      ? `next_page=${encodeURIComponent(btoa(end))}&n=${n}`
      : `last=${encodeURIComponent(end)}&n=${n}`;
    headers["link"] = `<${base(place, asked)}?${next}>; rel="next"`;
  }
  return Response.json({ ...more, [key]: entries }, { headers });
}

function base(place: Place, asked: Asked): string {
  if (place.is("link-elsewhere"))
    return `http://registry.internal:8081/repository/docker${asked.path}`;
  return place.is("link-absolute") ? asked.origin + asked.path : asked.path;
}

function numberOf({ query }: Asked): number {
  const n = query.get("n");
  return n === null ? Number.POSITIVE_INFINITY : Number(n);
}

function tooMany(): Response {
  return error(
    400,
    "UNSUPPORTED",
    "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to 1000'",
  );
}
