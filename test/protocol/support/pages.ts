import { expect } from "bun:test";
import type { Answer } from "./http.ts";
import type { TestRegistry } from "./registry.ts";

/** Where the next page is, if there is one. */
export function nextOf(answer: Answer): string | undefined {
  return /^<([^>]+)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
}

/** All pages of a listing, from the first Link to the last. */
export async function pages(
  registry: TestRegistry,
  path: string,
  key: "tags" | "repositories",
): Promise<(readonly string[])[]> {
  const found: (readonly string[])[] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    expect(found.length).toBeLessThan(1000);
    const answer = await registry.ask("GET", next);
    expect(answer.status).toBe(200);
    found.push(answer.json()[key] ?? []);
    next = nextOf(answer);
  }
  return found;
}
