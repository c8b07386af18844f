import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Paged, cutPage } from "./pages.ts";

const item = (name: string): { readonly name: string } => ({ name });
type Item = ReturnType<typeof item>;

/** A listing as the metadata has it: sorted, after `last`, at most `limit`. */
function listing(names: readonly string[]): (last: string | null, limit: number) => Item[] {
  const sorted = names.toSorted();
  return (last, limit) =>
    sorted
      .filter((name) => last === null || name > last)
      .slice(0, limit)
      .map(item);
}

/** A page of `n` as the use cases make it: they ask for one too many. */
function page(list: ReturnType<typeof listing>, last: string | null, n: number): Paged<Item> {
  return cutPage(list(last, n + 1), n, ({ name }) => name);
}

/** All pages, one after the other, as a client follows them. */
function follow(list: ReturnType<typeof listing>, n: number): (readonly Item[])[] {
  const pages: (readonly Item[])[] = [];
  for (let last: string | null = null; ;) {
    const { items, next } = page(list, last, n);
    pages.push(items);
    if (next === null) return pages;
    last = next;
  }
}

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 20 });

describe("paging", () => {
  test("with any page size visits every item once, in order", () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 22 }), (all, n) => {
        const visited = follow(listing(all), n).flat();
        expect(visited.map(({ name }) => name)).toEqual(all.toSorted());
      }),
      { numRuns: 500 },
    );
  });

  test("fills every page but the last, and ends with one that is not empty unless all is", () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 22 }), (all, n) => {
        const sizes = follow(listing(all), n).map((items) => items.length);
        expect(sizes).toEqual(
          all.length === 0
            ? [0]
            : Array.from({ length: Math.ceil(all.length / n) }, (_, at) =>
                Math.min(n, all.length - at * n),
              ),
        );
      }),
    );
  });

  test("goes on behind an item that was removed meanwhile", () => {
    const { next } = page(listing(["a", "b", "c", "d"]), null, 2);

    expect(next).toBe("b");
    expect(page(listing(["a", "c", "d"]), next, 2)).toEqual({
      items: [item("c"), item("d")],
      next: null,
    });
  });

  test("of nothing is an empty page, and the last one", () => {
    expect(page(listing([]), null, 5)).toEqual({ items: [], next: null });
  });

  test("with pages of no items is one empty page without a next one, as the spec has it for n=0", () => {
    expect(page(listing(["a", "b"]), null, 0)).toEqual({ items: [], next: null });
  });

  test("leaves the listing that it was given as it was", () => {
    const items = Object.freeze([item("a"), item("b"), item("c")]);

    expect(cutPage(items, 2, ({ name }) => name).items).toEqual([item("a"), item("b")]);
    expect(items).toHaveLength(3);
  });
});
