import { describe, expect, test } from "bun:test";
import { image, index } from "../support/image.ts";
import { mediaTypes } from "../support/oci.ts";
import {
  artifactType,
  digest,
  emptyConfig,
  emptyDigest,
  fresh,
  manifestText,
  pushBytes,
  putManifest,
  unknownDigest,
  utf8,
} from "./support/content.ts";
import type { Answer } from "./support/http.ts";
import { connectRaw, exchange, rawRequest } from "./support/raw.ts";
import { expectRefusal } from "./support/refused.ts";
import { freshName, sharedRegistry } from "./support/registry.ts";

const registry = sharedRegistry();

/** A repository with the empty config, so that manifests without layers can be pushed. */
async function repository(): Promise<string> {
  const name = freshName("pull");
  await pushBytes(registry.url, name, emptyConfig.bytes);
  return name;
}

const described = ({ headers }: Answer) => ({
  type: headers.get("content-type"),
  length: headers.get("content-length"),
  digest: headers.get("docker-content-digest"),
  etag: headers.get("etag"),
  version: headers.get("docker-distribution-api-version"),
});

describe("a manifest", () => {
  test("is served byte for byte, by tag and by digest, with its type, length and digest", async () => {
    const name = await repository();
    // Spaces, order and escapes that no JSON library would write again.
    const bytes = utf8(`\n {"layers":[ ],\t"config":${JSON.stringify(emptyConfig.descriptor)},
      "annotations":{"\\u0061":"\\/ü"}, "schemaVersion":2}\r\n`);
    await putManifest(registry.url, name, "v1", bytes);

    for (const reference of [
      "v1",
      digest(bytes),
      digest(bytes).replace(":", "%3A"),
      digest(bytes).replace(":", "%3a"),
    ]) {
      const got = await registry.ask("GET", `/v2/${name}/manifests/${reference}`);

      expect(got.status).toBe(200);
      expect(got.bytes).toEqual(bytes);
      expect(described(got)).toEqual({
        type: mediaTypes.image,
        length: String(bytes.length),
        digest: digest(bytes),
        etag: `"${digest(bytes)}"`,
        version: "registry/2.0",
      });
    }
  });

  test("pushed under a sha512 digest is served under that one only", async () => {
    const name = await repository();
    const bytes = utf8(manifestText({ annotations: { name } }));
    const long = digest(bytes, "sha512");
    expect((await putManifest(registry.url, name, long, bytes)).status).toBe(201);

    const got = await registry.ask("GET", `/v2/${name}/manifests/${long}`);
    expect([got.status, got.headers.get("docker-content-digest")]).toEqual([200, long]);
    expect(got.bytes).toEqual(bytes);
    expectRefusal(await registry.ask("GET", `/v2/${name}/manifests/${digest(bytes)}`), {
      status: 404,
      code: "MANIFEST_UNKNOWN",
    });
  });

  const documents: readonly [type: string, parts: Record<string, unknown>][] = [
    [mediaTypes.image, { config: emptyConfig.descriptor, layers: [] }],
    [mediaTypes.dockerImage, { config: emptyConfig.descriptor, layers: [] }],
    [mediaTypes.index, { manifests: [] }],
    [mediaTypes.dockerIndex, { manifests: [] }],
    [artifactType, { blobs: [], artifactType: "a/b" }],
  ];
  for (const [type, parts] of documents) {
    for (const inside of [true, false]) {
      test(`of type ${type} keeps its type, ${inside ? "which it names itself" : "which only the Content-Type names"}`, async () => {
        const name = await repository();
        const text = JSON.stringify({
          schemaVersion: 2,
          ...(inside && { mediaType: type }),
          ...parts,
        });
        const put = await putManifest(registry.url, name, "v1", text, type);
        expect([put.status, put.text]).toEqual([201, ""]);

        const got = await registry.ask("GET", `/v2/${name}/manifests/v1`, {
          headers: { accept: "text/html" },
        });
        expect(described(got).type).toBe(type);
        expect(got.text).toBe(text);
      });
    }
  }

  test("has the same headers for HEAD as for GET, and no body", async () => {
    const name = freshName("pull");
    const made = image();
    await made.push(registry.url, name, "v1");
    for (const reference of ["v1", made.digest]) {
      const got = await registry.ask("GET", `/v2/${name}/manifests/${reference}`);
      const head = await registry.ask("HEAD", `/v2/${name}/manifests/${reference}`);
      expect(head.status).toBe(200);
      expect(described(head)).toEqual(described(got));
      expect(head.bytes).toBeEmpty();
    }
  });

  test("of another repository is not there, by whatever name", async () => {
    const [here, there] = [freshName("pull"), freshName("pull")];
    const made = index([image()]);
    await made.push(registry.url, here, "v1");
    await image().push(registry.url, there, "other");
    for (const reference of ["v1", made.digest, made.children[0]!.digest]) {
      for (const method of ["GET", "DELETE"]) {
        expectRefusal(await registry.ask(method, `/v2/${there}/manifests/${reference}`), {
          status: 404,
          code: "MANIFEST_UNKNOWN",
        });
      }
      expect((await registry.ask("HEAD", `/v2/${there}/manifests/${reference}`)).status).toBe(404);
    }
  });

  test("is no blob, and a blob no manifest", async () => {
    const name = freshName("pull");
    const made = image();
    await made.push(registry.url, name, "v1");
    expectRefusal(await registry.ask("GET", `/v2/${name}/blobs/${made.digest}`), {
      status: 404,
      code: "BLOB_UNKNOWN",
    });
    expectRefusal(
      await registry.ask("GET", `/v2/${name}/manifests/${made.blobs[0]!.descriptor.digest}`),
      {
        status: 404,
        code: "MANIFEST_UNKNOWN",
      },
    );
  });
});

describe("a condition", () => {
  const tagOf = (name: string): string => `"${name}"`;
  const conditions: readonly [condition: string, of: (digest: string) => string, status: number][] =
    [
      ["names the entity tag", tagOf, 304],
      ["names its weak form", (d) => `W/${tagOf(d)}`, 304],
      ["names it among others", (d) => `"a", ${tagOf(d)},W/"b"`, 304],
      ["is *", () => "*", 304],
      ["names it after a thousand others", (d) => `${'"abcd", '.repeat(1000)}${tagOf(d)}`, 304],
      ["names another", () => tagOf(unknownDigest), 200],
      ["names one that only contains it", (d) => `"x${d}"`, 200],
      ["is nonsense", () => ",,", 200],
    ];
  for (const [condition, of, status] of conditions) {
    test(`If-None-Match that ${condition} is answered ${status}`, async () => {
      const name = freshName("pull");
      const made = image();
      await made.push(registry.url, name, "v1");
      const layer = made.blobs[1]!.descriptor.digest;
      for (const [path, own] of [
        [`/v2/${name}/manifests/v1`, made.digest],
        [`/v2/${name}/blobs/${layer}`, layer],
      ] as const) {
        for (const method of ["GET", "HEAD"]) {
          const got = await registry.ask(method, path, { headers: { "if-none-match": of(own) } });
          expect([path, method, got.status]).toEqual([path, method, status]);
          expect(described(got)).toMatchObject({ digest: own, etag: tagOf(own) });
          if (status === 304) expect(got.bytes).toBeEmpty();
        }
      }
    });
  }
});

describe("a blob", () => {
  test("is served whole with its length and digest, and nothing that a browser would run", async () => {
    const name = freshName("pull");
    const bytes = utf8("<!doctype html><script>alert(document.domain)</script>");
    await registry.ask("POST", `/v2/${name}/blobs/uploads/?digest=${digest(bytes)}`, {
      headers: { "content-type": "text/html" },
      body: bytes,
    });

    const got = await registry.ask("GET", `/v2/${name}/blobs/${digest(bytes)}`);

    expect(got.status).toBe(200);
    expect(got.bytes).toEqual(bytes);
    expect(described(got)).toEqual({
      type: "application/octet-stream",
      length: String(bytes.length),
      digest: digest(bytes),
      etag: `"${digest(bytes)}"`,
      version: "registry/2.0",
    });
    expect(got.headers.get("x-content-type-options")).toBe("nosniff");
    expect(got.headers.get("content-disposition")).toStartWith("attachment");
    expect(got.headers.get("content-security-policy")).toContain("sandbox");
    expect(got.headers.get("cache-control")).toContain("immutable");
    expect(got.headers.get("accept-ranges")).toBe("bytes");
    expect(got.headers.get("access-control-allow-origin")).toBeNull();
    const encoded = digest(bytes).replace(":", "%3A");
    expect((await registry.ask("GET", `/v2/${name}/blobs/${encoded}`)).bytes).toEqual(bytes);
  });

  test("has the same headers for HEAD as for GET, and no body", async () => {
    const name = freshName("pull");
    const { bytes, descriptor } = fresh(70_000);
    await pushBytes(registry.url, name, bytes);
    const path = `/v2/${name}/blobs/${descriptor.digest}`;
    const head = await registry.ask("HEAD", path);
    expect(described(head)).toEqual(described(await registry.ask("GET", path)));
    expect([head.status, head.headers.get("accept-ranges"), head.bytes.length]).toEqual([
      200,
      "bytes",
      0,
    ]);
  });

  test("of no bytes is served like any other", async () => {
    const name = freshName("pull");
    await pushBytes(registry.url, name, new Uint8Array());
    for (const method of ["GET", "HEAD"]) {
      const got = await registry.ask(method, `/v2/${name}/blobs/${emptyDigest}`);
      expect([method, got.status, got.headers.get("content-length"), got.bytes.length]).toEqual([
        method,
        200,
        "0",
        0,
      ]);
      expect(described(got).digest).toBe(emptyDigest);
    }
  });

  test("of another repository is not there, whoever has asked for it before", async () => {
    const [here, there] = [freshName("pull"), freshName("pull")];
    const { bytes, descriptor } = fresh();
    await pushBytes(registry.url, here, bytes);
    await pushBytes(registry.url, there, fresh().bytes);
    await registry.ask("GET", `/v2/${here}/blobs/${descriptor.digest}`);
    for (const method of ["GET", "DELETE"]) {
      expectRefusal(await registry.ask(method, `/v2/${there}/blobs/${descriptor.digest}`), {
        status: 404,
        code: "BLOB_UNKNOWN",
      });
    }
    expect((await registry.ask("HEAD", `/v2/${there}/blobs/${descriptor.digest}`)).status).toBe(
      404,
    );
    expect((await registry.ask("GET", `/v2/${here}/blobs/${descriptor.digest}`)).status).toBe(200);
  });
});

describe("what is not there", () => {
  const absent: readonly [what: string, path: string, code: string][] = [
    ["a tag of an unknown repository", "/v2/nobody/manifests/v1", "NAME_UNKNOWN"],
    ["a digest of an unknown repository", `/v2/nobody/manifests/${unknownDigest}`, "NAME_UNKNOWN"],
    ["a tag of a known repository", "/v2/known/manifests/v2", "MANIFEST_UNKNOWN"],
    ["a digest of a known repository", `/v2/known/manifests/${unknownDigest}`, "MANIFEST_UNKNOWN"],
    ["a blob of an unknown repository", `/v2/nobody/blobs/${unknownDigest}`, "BLOB_UNKNOWN"],
    ["a blob of a known repository", `/v2/known/blobs/${unknownDigest}`, "BLOB_UNKNOWN"],
    ["the tags of an unknown repository", "/v2/nobody/tags/list", "NAME_UNKNOWN"],
  ];
  for (const [what, path, code] of absent) {
    test(`${what} is a 404 with ${code}`, async () => {
      await image().push(registry.url, "known", "v1");
      expectRefusal(await registry.ask("GET", path), { status: 404, code });
    });
  }

  test("is answered to HEAD without a body, so that the next answer on the connection is read right", async () => {
    const head = rawRequest("HEAD", `/v2/nobody/blobs/${unknownDigest}`);
    expect((await exchange(registry.port, head, { head: true }))?.status).toBe(404);
    const both = Buffer.concat([
      head,
      rawRequest("GET", "/v2/", { headers: ["Connection: close"] }),
    ]);
    using connection = await connectRaw(registry.port);
    await connection.send(both);
    expect((await connection.answer({ head: true }))?.status).toBe(404);
    expect((await connection.answer())?.text).toBe("{}");
    expect((await connection.rest()).length).toBe(0);
  });
});
