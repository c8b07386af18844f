import { describe, expect, test } from "bun:test";
import { image } from "../support/image.ts";
import { mediaTypes } from "../support/oci.ts";
import { digest, emptyConfig, manifestText, unknownDigest, utf8 } from "./support/content.ts";
import { nextOf, pages } from "./support/pages.ts";
import { exchange, rawRequest } from "./support/raw.ts";
import { expectRefusal, expectRefused } from "./support/refused.ts";
import { freshName, sharedRegistry, startRegistry } from "./support/registry.ts";
import { openUpload } from "./support/upload.ts";

const registry = sharedRegistry();

describe("a repository may be called", () => {
  const names = [
    "blobs",
    "manifests",
    "uploads",
    "tags",
    "list",
    "referrers",
    "v2",
    "0",
    "con",
    "nul",
    "aux.txt",
    "blobs/uploads",
    "a/blobs/uploads",
    "a/manifests",
    "a/manifests/b",
    "a/tags/list",
    "tags/list",
    "a/referrers",
    "a/blobs/uploads/b/manifests/c",
    "api/v1",
    "v2/a/manifests/b",
    "a/repositories/b/tags",
    "a__b",
    "a--b",
    "a---b",
    "a.b_c__d-e/f",
    "1/2/3",
    "a/b".repeat(30),
    Array.from({ length: 128 }, () => "a").join("/"),
    "a".repeat(255),
  ];
  for (const name of names) {
    test(`${name.slice(0, 40)}${name.length > 40 ? `… (${name.length} letters)` : ""}, and every request finds its way`, async () => {
      const made = image();
      const upload = await openUpload(registry, name);
      expect((await upload.patch(made.blobs[1]!.bytes, 0)).status).toBe(202);
      expect((await upload.status()).status).toBe(204);
      expect((await upload.put(made.blobs[1]!.descriptor.digest)).status).toBe(201);
      await made.push(registry.url, name, "latest", "list", "uploads");
      expect((await registry.ask("GET", `/v2/${name}/tags/list`)).json()).toEqual({
        name,
        tags: ["latest", "list", "uploads"],
      });
      expect(
        (await registry.ask("GET", `/v2/${name}/manifests/list`)).headers.get(
          "docker-content-digest",
        ),
      ).toBe(made.digest);
      expect(
        (await registry.ask("GET", `/v2/${name}/blobs/${made.blobs[1]!.descriptor.digest}`)).bytes,
      ).toEqual(made.blobs[1]!.bytes);
      expect(
        (await registry.ask("GET", `/v2/${name}/referrers/${made.digest}`)).json().manifests,
      ).toEqual([]);
      expect((await registry.ask("DELETE", `/v2/${name}/manifests/${made.digest}`)).status).toBe(
        202,
      );
      expect((await pages(registry, "/v2/_catalog?n=10", "repositories")).flat()).toContain(name);
    });
  }
});

describe("what an address supports", () => {
  const addresses: readonly [path: string, methods: string][] = [
    ["/v2/", "GET, HEAD, OPTIONS"],
    ["/v2", "GET, HEAD, OPTIONS"],
    ["/v2/_catalog", "GET, OPTIONS"],
    ["/v2/a/tags/list", "GET, OPTIONS"],
    ["/v2/a/manifests/v1", "GET, HEAD, PUT, DELETE, OPTIONS"],
    [`/v2/a/blobs/${unknownDigest}`, "GET, HEAD, DELETE, OPTIONS"],
    ["/v2/a/blobs/uploads/", "POST, OPTIONS"],
    ["/v2/a/blobs/uploads/x", "GET, PATCH, PUT, DELETE, OPTIONS"],
    [`/v2/a/referrers/${unknownDigest}`, "GET, OPTIONS"],
  ];
  const sorted = (methods: string | null) => methods?.split(", ").toSorted();
  for (const [path, methods] of addresses) {
    test(`is told to OPTIONS, and with a 405 to other methods: ${path}`, async () => {
      const options = await registry.ask("OPTIONS", path);
      expect([options.status, options.text, sorted(options.headers.get("allow"))]).toEqual([
        204,
        "",
        sorted(methods),
      ]);
      expect(options.headers.get("access-control-allow-origin")).toBeNull();
      for (const method of [
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "TRACE",
        "PROPFIND",
        "QUERY",
      ]) {
        if (methods.includes(method)) continue;
        const send = () => exchange(registry.port, rawRequest(method, path));
        const refused = await expectRefused(registry, send, {
          status: 405,
          code: "UNSUPPORTED",
          reason: new RegExp(method),
        });
        expect(sorted(refused.headers.get("allow"))).toEqual(sorted(methods));
      }
    });
  }

  test("is told by every answer: the version of the protocol, and that content is not to be guessed at", async () => {
    for (const [method, path] of [
      ["GET", "/v2/"],
      ["GET", "/v2/nobody/tags/list"],
      ["GET", "/nowhere"],
      ["POST", "/v2/"],
      ["OPTIONS", "/v2/"],
      ["HEAD", "/v2/a/manifests/x"],
    ] as const) {
      const answer = await registry.ask(method, path);
      expect(answer.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  for (const path of [
    "/v1/",
    "/v3/",
    "/v2/a",
    "/v2/a/",
    "/v2/a/tags",
    "/v2/a/tags/list/",
    "/v2/_catalog/x",
    "/V2/",
    "/v2/a/manifests/",
    "/v2/a/blobs/",
    "/v2/a/referrers/",
    "/v2/manifests/v1",
    "/v2/tags/list",
    "/favicon.ico",
  ]) {
    test(`is nothing at ${path}: a 404 for every method`, async () => {
      for (const method of ["GET", "PUT", "POST", "DELETE"]) {
        expectRefusal(await registry.ask(method, path), {
          status: 404,
          code: "UNSUPPORTED",
          reason: /no such endpoint/,
        });
      }
    });
  }

  test("does not depend on headers that name another method", async () => {
    const name = freshName("override");
    const made = image();
    await made.push(registry.url, name, "v1");
    for (const header of ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]) {
      const got = await registry.ask("GET", `/v2/${name}/manifests/v1?_method=DELETE`, {
        headers: { [header]: "DELETE" },
      });
      expect([got.status, got.headers.get("content-type")]).toEqual([200, mediaTypes.image]);
    }
    expect((await registry.ask("GET", `/v2/${name}/manifests/v1`)).status).toBe(200);
  });

  test("is found under the configured URL when there is one, whatever the client calls the host", async () => {
    await using own = await startRegistry({ publicUrl: "https://registry.example/base" });
    const headers = {
      host: "evil.example",
      "x-forwarded-host": "evil.example",
      forwarded: "host=evil.example",
    };
    await own.ask("POST", `/v2/a/blobs/uploads/?digest=${emptyConfig.descriptor.digest}`, {
      body: emptyConfig.bytes,
    });
    const text = manifestText();
    const location = async (method: string, path: string, body?: Uint8Array<ArrayBuffer>) =>
      (await own.ask(method, path, { headers, ...(body && { body }) })).headers.get("location");
    expect(await location("POST", "/v2/a/blobs/uploads/")).toStartWith(
      "https://registry.example/base/v2/a/blobs/uploads/",
    );
    expect(await location("PUT", `/v2/a/manifests/${digest(text)}?tag=a&tag=b`, utf8(text))).toBe(
      `https://registry.example/base/v2/a/manifests/${digest(text)}`,
    );
    const listed = await own.ask("GET", "/v2/a/tags/list?n=1", { headers });
    expect(nextOf(listed)).toBe("https://registry.example/base/v2/a/tags/list?n=1&last=a");
  });
});
