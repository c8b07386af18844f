import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { schema } from "../config/schema.ts";
import { configOf } from "./endpoint-fixtures.ts";
import { endpointOf, wants } from "./endpoint.ts";

function headersOf(settings: Readonly<Record<string, unknown>>, body = "{}"): object {
  return Object.fromEntries(endpointOf(configOf(settings)).headers(body).entries());
}

describe("the headers of a delivery", () => {
  test("say what it is, and who sends it", () => {
    expect(headersOf({})).toEqual({
      "content-type": "application/vnd.docker.distribution.events.v1+json",
      "user-agent": "wharfinger",
    });
  });

  test("are those of the configuration where both say something", () => {
    const headers = { "Content-Type": ["application/json"], "X-Two": ["a", "b"] };

    expect(headersOf({ headers })).toMatchObject({
      "content-type": "application/json",
      "x-two": "a, b",
    });
  });

  test.each([
    ["http://user:pass@host/e", "user:pass"],
    ["http://user@host/e", "user:"],
    ["http://u%40x:p%3Aq%25@host/e", "u@x:p:q%"],
    ["http://u:100%@host/e", "u:100%"],
  ])("carry the password of the URL, which is no part of it any more: %s", (url, pair) => {
    expect(endpointOf(configOf({ url })).url).toBe("http://host/e");
    expect(headersOf({ url })).toMatchObject({ authorization: `Basic ${btoa(pair)}` });
  });

  test("carry a signature of the body when there is a secret", () => {
    const expected = createHmac("sha256", "k").update("the body").digest("hex");

    expect(headersOf({ secret: "k" }, "the body")).toMatchObject({
      "x-hub-signature-256": `sha256=${expected}`,
    });
  });

  test.each([
    ["a line break in a value", { "X-A": ["one\r\nX-B: two"] }],
    ["a space in a name", { "X A": ["one"] }],
    ["no name", { "": ["one"] }],
  ])("are refused before anything starts, without being repeated: %s", (_, headers) => {
    const parsed = schema.safeParse({
      notifications: { endpoints: [{ name: "a", url: "http://h/", headers }] },
    });

    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error?.issues)).not.toContain("one");
  });
});

describe("an endpoint wants", () => {
  const ignore = { mediaTypes: ["application/octet-stream"], actions: ["pull"] };

  test.each([
    [{}, "pull", "application/octet-stream", true],
    [{ ignore }, "pull", "x/y", false],
    [{ ignore }, "push", "x/y", true],
    [{ ignore }, "push", "application/octet-stream", false],
    [{ ignore }, "delete", null, true],
    [{ ignore: { actions: ["delete"] } }, "delete", null, false],
  ] as const)("with %j a %s of %p: %p", (settings, action, mediaType, expected) => {
    expect(wants(configOf(settings), { action, mediaType })).toBe(expected);
  });
});
