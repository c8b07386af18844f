/** Headers for every answer, as they are configured: several values of one name are several headers. */
export type ExtraHeaders = Readonly<Record<string, readonly string[]>>;

const ORIGIN = "access-control-allow-origin";

/**
 * Makes what puts configured headers on an answer. What the answer says itself stays: a header that the
 * protocol needs cannot be spoiled. Null: there is nothing to put.
 *
 * Of several allowed origins a browser must be told the one that it asks for.
 */
export function extraHeaders(
  configured: ExtraHeaders,
): ((request: Request, headers: Headers) => void) | null {
  const all = Object.entries(configured).map(
    ([name, values]) => [name.toLowerCase(), values] as const,
  );
  const origins = all.find(([name]) => name === ORIGIN)?.[1] ?? [];
  const others = origins.length > 1 ? all.filter(([name]) => name !== ORIGIN) : all;
  if (all.length === 0) return null;
  return (request, headers) => {
    for (const [name, values] of others) {
      if (headers.has(name)) continue;
      for (const value of values) headers.append(name, value);
    }
    if (origins.length < 2) return;
    const asked = request.headers.get("origin");
    if (asked !== null && origins.includes(asked)) headers.set(ORIGIN, asked);
    headers.append("vary", "Origin");
  };
}
