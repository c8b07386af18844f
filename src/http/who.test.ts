import { expect, test } from "bun:test";
import { whoSent } from "./who.ts";

const URL = "http://127.0.0.1/v2/";

function from(request: Request, scheme: string | null = null) {
  return { request, sender: { address: "::1", scheme } };
}

test("who asks is who the gate said, from the address of the connection, with what the client says of itself", () => {
  const headers = { host: "registry.example:5000", "user-agent": "docker/27.3" };
  const request = new Request(URL, { method: "PUT", headers });

  expect(whoSent({ request, sender: { address: "10.0.0.1", scheme: null } }, "ann", 5)).toEqual({
    at: 5,
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    actor: "ann",
    address: "10.0.0.1",
    scheme: "http",
    host: "registry.example:5000",
    method: "PUT",
    agent: "docker/27.3",
  });
});

test("a client that says nothing of itself is nobody, of no program", () => {
  expect(whoSent(from(new Request(URL)), null, 0)).toMatchObject({
    actor: null,
    host: "",
    agent: "",
  });
});

test("of a client that says very much of itself the beginning is kept", () => {
  const request = new Request(URL, { headers: { "user-agent": "x".repeat(16_000) } });

  expect(whoSent(from(request), null, 0).agent).toBe("x".repeat(512));
});

test("every request has an id of its own", () => {
  const request = new Request(URL);

  expect(whoSent(from(request), null, 0).requestId).not.toBe(
    whoSent(from(request), null, 0).requestId,
  );
});

test.each([
  ["http://a/v2/", null, "http"],
  ["https://a/v2/", null, "https"],
  ["http://a/v2/", "https", "https"],
  ["https://a/v2/", "http", "http"],
  ["http://a/v2/", "javascript", "http"],
])("a client of %s, of which a trusted proxy says %p, uses %s", (url, said, scheme) => {
  expect(whoSent(from(new Request(url), said), null, 0).scheme).toBe(scheme as "http");
});
