import type { Asked } from "./asked.ts";

/** One page of a list of Harbor's: with the length of the whole, and Links to the pages beside it. */
export function pageOfList(asked: Asked, all: readonly object[]): Response {
  const size = Math.min(100, Number(asked.query.get("page_size") ?? 10));
  const number = Number(asked.query.get("page") ?? 1);
  const links: string[] = [];
  const link = (to: number, rel: string): void => {
    const query = new URLSearchParams(asked.query);
    query.set("page", String(to));
    query.set("page_size", String(size));
    links.push(`<${asked.path}?${decodeURIComponent(query.toString())}>; rel="${rel}"`);
  };
  if (number > 1 && (number - 1) * size < all.length) link(number - 1, "prev");
  if (number * size < all.length) link(number + 1, "next");
  return Response.json(all.slice((number - 1) * size, number * size), {
    headers: {
      "x-total-count": String(all.length),
      ...(links.length > 0 && { link: links.join(" , ") }),
    },
  });
}
