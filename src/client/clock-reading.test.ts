import { expect, test } from "bun:test";
import { fakeRegistry } from "../../test/support/fake-registry.ts";
import { parseName } from "../oci/name.ts";
import { parseAddress } from "./address.ts";
import { readClock } from "./clock-reading.ts";
import { openConnection } from "./connection.ts";
import { listTags } from "./lists.ts";

const DATE = "Sat, 21 Nov 2026 10:00:00 GMT";

function read(headers: Readonly<Record<string, string>>): number | null {
  return readClock({ header: (name) => headers[name] ?? null }, 1)?.theirs ?? null;
}

test("a connection remembers what time it was at the last answer, here and there", async () => {
  const headers = { date: DATE };
  await using registry = fakeRegistry(() => Response.json({ name: "app", tags: [] }, { headers }));
  const connection = openConnection(parseAddress(registry.url), {
    credentials: { find: async () => null },
    date: () => 12_345,
  });
  expect(connection.clock()).toBeNull();
  await Array.fromAsync(listTags(connection, parseName("app")));
  expect(connection.clock()).toEqual({ ours: 12_345, theirs: Date.parse(DATE) });
});

test("the time at a host that the registry redirects to is not the registry's", async () => {
  await using other = fakeRegistry(() =>
    Response.json({ name: "app", tags: [] }, { headers: { date: DATE } }),
  );
  await using registry = fakeRegistry(({ path }) => Response.redirect(other.url + path, 307));
  const connection = openConnection(parseAddress(registry.url), {
    credentials: { find: async () => null },
  });
  await Array.fromAsync(listTags(connection, parseName("app")));
  expect(other.heard).toHaveLength(1);
  expect(connection.clock()?.theirs ?? null).not.toBe(Date.parse(DATE));
});

test("an answer from a cache is as much older as the cache says", () => {
  const date = Date.parse(DATE);
  expect(read({ date: DATE, age: "7200" })).toBe(date + 7_200_000);
  for (const age of ["", "-1", "much", "1e9"]) expect(read({ date: DATE, age })).toBe(date);
});

test("an answer without a date, or with one that is none, tells no time", () => {
  expect(read({})).toBeNull();
  expect(read({ date: "yesterday" })).toBeNull();
});
