const NO_QUERY = new URLSearchParams();

/** What a request is for: the path as the table of routes knows it, not decoded, and the query. */
export interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/**
 * Reads the URL that Bun puts together. Its host part is skipped, not used: it comes from a header that the
 * client makes up, and Bun leaves it out when it is not a host. Pure.
 */
export function targetOf(url: string, prefix: string): Target {
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("//") + 2);
  const question = url.indexOf("?", start);
  if (question === -1) return { path: below(prefix, url.slice(start)), query: NO_QUERY };
  const query = new URLSearchParams(url.slice(question + 1));
  return { path: below(prefix, url.slice(start, question)), query };
}

/** A path as it would be without the prefix. Outside of it there is no API, only what answers at the root. */
function below(prefix: string, path: string): string {
  if (prefix === "") return path;
  if (path.startsWith(`${prefix}/`)) return path.slice(prefix.length);
  return /^\/(?:v2|api)(?:\/|$)/.test(path) ? `//${path}` : path;
}
