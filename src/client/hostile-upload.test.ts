import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/support/failure.ts";
import { type FakeRegistry, fakeRegistry } from "../../test/support/fake-registry.ts";
import { BASIC, CANARY, challenge, connectAs } from "../../test/support/hostile.ts";
import { digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { mountBlob, pushBlob } from "./push.ts";

const name = parseName("app");
const bytes = new TextEncoder().encode(`a layer that is ${CANARY}`);
const digest = digestOf(bytes);

async function* once() {
  yield bytes;
}

/** Begins uploads at `location`, and takes what is sent to it. */
function uploading(location: (url: string) => string): FakeRegistry {
  return fakeRegistry(({ method, authorization }, url) => {
    if (authorization !== BASIC) return challenge("Basic");
    if (method === "POST") {
      return new Response(null, { status: 202, headers: { location: location(url) } });
    }
    return new Response(null, { status: method === "PUT" ? 201 : 204 });
  });
}

describe("the Location of an upload", () => {
  test.each([
    ["a path", () => "/v2/app/blobs/uploads/1?state=x"],
    ["a URL", (url: string) => `${url}/v2/app/blobs/uploads/1?state=x`],
    ["relative", () => "1?state=x"],
  ])("of the registry itself is used: %s", async (_, location) => {
    await using registry = uploading(location);

    await pushBlob(connectAs(registry.url), name, digest, once());

    expect(registry.heard.at(-1)?.path).toBe(`/v2/app/blobs/uploads/1?state=x&digest=${digest}`);
    expect(registry.heard.at(-1)?.body).toContain(CANARY);
  });

  test.each([
    ["another port", (other: string) => `${other}/v2/app/blobs/uploads/1`],
    [
      "another port, without a scheme",
      (other: string) => `${other.slice(5)}/v2/app/blobs/uploads/1`,
    ],
    ["backslashes", (other: string) => `\\\\${other.slice(7)}\\v2\\app\\blobs\\uploads\\1`],
    [
      "a user in front",
      (other: string) => `http://127.0.0.1@${other.slice(7)}/v2/app/blobs/uploads/1`,
    ],
    ["another host", () => "https://evil.example.org/v2/app/blobs/uploads/1"],
    ["another scheme", () => "file:///v2/app/blobs/uploads/1"],
    ["what is no upload", () => "/api/v1/trash"],
    ["a way out of /v2/", () => "/v2/../api/v1/trash"],
    ["nothing", () => ""],
    ["no URL", () => "http://["],
  ])("that names %s gets neither bytes nor password", async (_, location) => {
    await using other = fakeRegistry(() => new Response(null, { status: 201 }));
    await using hostile = uploading(() => location(other.url));

    const pushed = pushBlob(connectAs(hostile.url), name, digest, once());
    expect((await failureOf(pushed)).message).toContain("no address of its own");
    const mounted = mountBlob(connectAs(hostile.url), name, digest, parseName("other"));
    expect((await failureOf(mounted)).message).toContain("no address of its own");

    expect(other.heard).toHaveLength(0);
    expect(hostile.heard.filter(({ method }) => method !== "POST")).toEqual([]);
  });

  test("with a line feed in it stays in its line", async () => {
    await using registry = uploading(() => "/v2/app/blobs/uploads/1%0d%0ax-evil:%201");

    await pushBlob(connectAs(registry.url), name, digest, once());

    expect(registry.heard.at(-1)?.headers["x-evil"]).toBeUndefined();
    expect(registry.heard.at(-1)?.path).toContain("%0d%0a");
  });

  test("is not followed by a redirect of what is sent there", async () => {
    await using other = fakeRegistry(() => new Response(null, { status: 201 }));
    await using hostile = fakeRegistry(({ method, authorization }) => {
      if (authorization !== BASIC) return challenge("Basic");
      const [status, location] =
        method === "POST"
          ? ([202, "/v2/app/blobs/uploads/1"] as const)
          : ([307, `${other.url}/v2/`] as const);
      return new Response(null, {
        status,
        headers: { location },
      });
    });

    const pushed = pushBlob(connectAs(hostile.url), name, digest, once());

    expect((await failureOf(pushed)).message).toContain("redirects a PUT");
    expect(other.heard).toHaveLength(0);
  });
});
