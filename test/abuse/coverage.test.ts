import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ACCESS, ACCESS_CLASSES } from "./coverage-access.ts";
import { CLASSES } from "./coverage-classes.ts";
import { CLIENT, CLIENT_CLASSES } from "./coverage-client.ts";
import { CONTENT } from "./coverage-content.ts";
import { REQUESTS } from "./coverage-requests.ts";

/**
 * The list of bad inputs and the list of other registries' mistakes, and the tests that try them. A
 * title must stand in the source of its test file as it stands here, so that none goes away unnoticed.
 */

const root = join(import.meta.dir, "..", "..");

/** `path: title`, each that does not stand where it should. */
async function missing(tests: readonly string[]): Promise<string[]> {
  const lost: string[] = [];
  for (const one of tests) {
    const [path = "", ...rest] = one.split(": ");
    const title = rest.join(": ");
    const file = Bun.file(join(root, path));
    const text = (await file.exists()) ? await file.text() : "";
    if (title === "" || !text.includes(title)) lost.push(one);
  }
  return lost;
}

describe("every bad input that concerns a server has its tests", () => {
  for (const [number, { input, tests }] of Object.entries({ ...REQUESTS, ...CONTENT, ...ACCESS })) {
    test(`${number}: ${input}`, async () => {
      expect(tests.length).toBeGreaterThan(0);
      expect(await missing(tests)).toEqual([]);
    });
  }
});

describe("every bad answer that concerns a client has its tests", () => {
  for (const [number, { input, tests }] of Object.entries(CLIENT)) {
    test(`${number}: ${input}`, async () => {
      expect(tests.length).toBeGreaterThan(0);
      expect(await missing(tests)).toEqual([]);
    });
  }
});

describe("every mistake that another registry or client has made has its tests", () => {
  const mistakes = { ...CLASSES, ...ACCESS_CLASSES, ...CLIENT_CLASSES };
  for (const [mistake, tests] of Object.entries(mistakes)) {
    test(mistake, async () => {
      expect(tests.length).toBeGreaterThan(0);
      expect(await missing(tests)).toEqual([]);
    });
  }
});

test("a title that stands nowhere is noticed", async () => {
  const nowhere = ["no such", "title"].join(" ");
  expect(
    await missing([
      `test/abuse/coverage.test.ts: ${nowhere}`,
      "test/nowhere.test.ts: x",
      "no file at all",
    ]),
  ).toHaveLength(3);
});
