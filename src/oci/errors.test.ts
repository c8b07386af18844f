import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { ErrorEntry } from "./error-entry.ts";
import { ERRORS, type ErrorKind } from "./error-table.ts";
import { RegistryError } from "./errors.ts";

/** OCI distribution spec 1.1, "Error Codes". */
const OCI_CODES = [
  "BLOB_UNKNOWN",
  "BLOB_UPLOAD_INVALID",
  "BLOB_UPLOAD_UNKNOWN",
  "DIGEST_INVALID",
  "MANIFEST_BLOB_UNKNOWN",
  "MANIFEST_INVALID",
  "MANIFEST_UNKNOWN",
  "NAME_INVALID",
  "NAME_UNKNOWN",
  "SIZE_INVALID",
  "UNAUTHORIZED",
  "DENIED",
  "UNSUPPORTED",
  "TOOMANYREQUESTS",
];

/** The Docker registry API has these for faults of the server, about which the OCI spec says nothing. */
const SERVER_CODES = ["UNKNOWN", "UNAVAILABLE"];

/** Failed, not confirmed or used wrongly, done in part, no credentials, refused, damage found. */
const EXIT_CODES = [1, 2, 3, 4, 5, 6];

const kinds = Object.entries(ERRORS) as [ErrorKind, ErrorEntry][];

/** The rows of all tables of the page, as lists of cells. */
const rows = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );

describe("the table of errors", () => {
  test.each(kinds)(
    "%s has a status of a refusal, with a code that clients know",
    (_, { code, status }) => {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(600);
      expect(status < 500 ? OCI_CODES : SERVER_CODES).toContain(code);
    },
  );

  test.each(kinds)("%s ends a command with one of the documented exit codes", (_, { exit }) => {
    expect(EXIT_CODES).toContain(exit);
  });

  test.each(kinds)(
    "%s says in one line what happened and in another what to do",
    (_, { message, remedy }) => {
      for (const text of [message, remedy]) expect(text).toMatch(/^[\x20-\x7e]{7,120}$/);
    },
  );

  test.each(kinds)(
    "%s is described in docs/errors.md, with its status or exit code",
    (kind, { code, status, exit }) => {
      const row = rows.find(([first]) => first === kind);

      expect(row).toBeDefined();
      const facts = row?.slice(1, 3);
      if (facts?.[1] === code) expect(facts).toEqual([String(status), code]);
      else expect(facts?.[0]).toBe(String(exit));
    },
  );

  test("docs/errors.md describes no kind that does not exist", () => {
    const described = rows
      .map(([first = ""]) => first)
      .filter((first) => /^[A-Z][A-Z_]+$/.test(first));

    expect(described.filter((kind) => !Object.hasOwn(ERRORS, kind))).toEqual([]);
    expect(described.length).toBe(new Set(described).size);
  });
});

describe("an error", () => {
  test("says what happened, and the reason after it", () => {
    expect(new RegistryError("NAME_INVALID").message).toBe(ERRORS.NAME_INVALID.message);
    expect(new RegistryError("NAME_INVALID", { reason: "it is empty" }).message).toBe(
      `${ERRORS.NAME_INVALID.message}: it is empty`,
    );
  });

  test("has the status of its kind, the headers it was given, and none otherwise", () => {
    const range = { "content-range": "bytes */5" };

    expect(new RegistryError("RANGE_UNSATISFIABLE", {}, { headers: range })).toMatchObject({
      status: 416,
      headers: range,
    });
    expect(new RegistryError("BLOB_UNKNOWN").headers).toEqual({});
  });

  test("keeps its cause, and has none when none was given", () => {
    const cause = new Error("the disk broke");

    expect(new RegistryError("INTERNAL", {}, { cause }).cause).toBe(cause);
    expect("cause" in new RegistryError("INTERNAL")).toBe(false);
  });

  test("can be told from all other errors", () => {
    expect(new RegistryError("INTERNAL")).toBeInstanceOf(Error);
    expect(new RegistryError("INTERNAL").name).toBe("RegistryError");
  });
});
