import { expect, test } from "bun:test";
import { whoSent } from "./who.ts";

const URL = "http://127.0.0.1/v2/";

test("who asks is who the gate said, from the address of the connection, with what the client says of itself", () => {
  const headers = { host: "registry.example:5000", "user-agent": "docker/27.3" };
  const request = new Request(URL, { method: "PUT", headers });

  expect(whoSent(request, "10.0.0.1", "ann", 5)).toEqual({
    at: 5,
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    actor: "ann",
    address: "10.0.0.1",
    host: "registry.example:5000",
    method: "PUT",
    agent: "docker/27.3",
  });
});

test("a client that says nothing of itself is nobody, of no program", () => {
  expect(whoSent(new Request(URL), "::1", null, 0)).toMatchObject({
    actor: null,
    host: "",
    agent: "",
  });
});

test("of a client that says very much of itself the beginning is kept", () => {
  const request = new Request(URL, { headers: { "user-agent": "x".repeat(16_000) } });

  expect(whoSent(request, "", null, 0).agent).toBe("x".repeat(512));
});

test("every request has an id of its own", () => {
  const request = new Request(URL);

  expect(whoSent(request, "", null, 0).requestId).not.toBe(whoSent(request, "", null, 0).requestId);
});
