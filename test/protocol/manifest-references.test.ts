import { beforeAll, describe, expect, test } from "bun:test";
import { image, index } from "../support/image.ts";
import { blob, mediaTypes } from "../support/oci.ts";
import {
  artifactType,
  digest,
  emptyConfig,
  fresh,
  indexText,
  manifestText,
  pushBytes,
  putManifest,
  unknownDigest,
} from "./support/content.ts";
import { connectRaw, exchange, rawRequest } from "./support/raw.ts";
import { expectAlive, expectRefused, leavingNoTrace } from "./support/refused.ts";
import { freshName, sharedRegistry } from "./support/registry.ts";

const registry = sharedRegistry();
const name = "references";
const config = emptyConfig.descriptor;
const { bytes, descriptor: layer } = blob(mediaTypes.layer, fresh(64).bytes);
beforeAll(async () => {
  for (const content of [emptyConfig.bytes, bytes]) await pushBytes(registry.url, name, content);
});

describe("a manifest that names what is not here is refused with the list", () => {
  const missing = async (
    repository: string,
    text: string,
    digests: readonly string[],
    contentType?: string,
  ) => {
    const send = () => putManifest(registry.url, repository, "v1", text, contentType);
    const refused = await expectRefused(registry, send, {
      status: 400,
      code: "MANIFEST_BLOB_UNKNOWN",
      reason: /not in this repository/,
    });
    expect(refused.errors[0]?.detail?.["missing"]).toEqual([...digests]);
  };
  const other = { ...layer, digest: digest("other") };

  test("of a config", async () => {
    await missing(name, manifestText({ config: other }), [other.digest]);
  });

  test("of layers, each in its place", async () => {
    const absent = { ...layer, digest: unknownDigest };
    await missing(name, manifestText({ layers: [other, layer, absent] }), [
      other.digest,
      unknownDigest,
    ]);
  });

  test("of blobs of an artifact", async () => {
    await missing(
      name,
      JSON.stringify({ mediaType: artifactType, blobs: [other] }),
      [other.digest],
      artifactType,
    );
  });

  test("of children of an index, also of an index of indexes", async () => {
    const child = image().descriptor;
    await missing(
      name,
      indexText([child, { ...child, mediaType: mediaTypes.index, digest: unknownDigest }]),
      [child.digest, unknownDigest],
      mediaTypes.index,
    );
  });

  test("when an index names a layer as a manifest", async () => {
    await missing(
      name,
      indexText([{ ...layer, mediaType: mediaTypes.image }]),
      [layer.digest],
      mediaTypes.index,
    );
  });

  test("when only another repository has it", async () => {
    const there = freshName("references");
    const made = index([image()]);
    await made.push(registry.url, there, "v1");
    await missing(
      name,
      indexText([made.children[0]!.descriptor]),
      [made.children[0]!.digest],
      mediaTypes.index,
    );
    const blobs = made.children[0]!.blobs.map(({ descriptor }) => descriptor);
    await missing(
      name,
      manifestText({ config: blobs[0], layers: blobs.slice(1) }),
      blobs.map((one) => one.digest),
    );
  });

  test("in a repository that nobody has pushed to, which does not come into being", async () => {
    const nobody = freshName("references");
    await missing(nobody, manifestText(), [config.digest]);
    expect((await registry.ask("GET", `/v2/${nobody}/tags/list`)).status).toBe(404);
  });

  test("when it was deleted a moment ago", async () => {
    const { bytes: gone, descriptor } = fresh();
    await pushBytes(registry.url, name, gone);
    await registry.ask("HEAD", `/v2/${name}/blobs/${descriptor.digest}`);
    await registry.ask("DELETE", `/v2/${name}/blobs/${descriptor.digest}`);
    await missing(name, manifestText({ layers: [descriptor] }), [descriptor.digest]);
  });

  test("of fifty thousand layers, quickly, and the list has an end", async () => {
    const layers = Array.from({ length: 50_000 }, (_, at) => ({
      mediaType: "a",
      digest: `sha256:${at.toString(16).padStart(64, "0")}`,
      size: 1,
    }));
    const began = performance.now();
    const refused = await leavingNoTrace(registry, () =>
      putManifest(registry.url, name, "v1", manifestText({ layers })),
    );
    expect([refused.status, refused.errors[0]?.code]).toEqual([400, "MANIFEST_BLOB_UNKNOWN"]);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(refused.bytes.length).toBeLessThan(20_000);
  });
});

describe("a manifest that names itself", () => {
  test("cannot be pushed: its digest would be another one", async () => {
    const text = indexText([{ mediaType: mediaTypes.index, digest: unknownDigest, size: 5 }]);
    const send = () => putManifest(registry.url, name, unknownDigest, text, mediaTypes.index);
    await expectRefused(registry, send, {
      status: 400,
      code: "DIGEST_INVALID",
      reason: /the manifest has the digest/,
    });
  });
});

describe("a reference that is neither tag nor digest", () => {
  const references: readonly [reference: string, code: string][] = [
    [".a", "MANIFEST_INVALID"],
    ["-a", "MANIFEST_INVALID"],
    ["a".repeat(129), "MANIFEST_INVALID"],
    ["a%2Fb", "MANIFEST_INVALID"],
    ["a%0d%0aX-Evil:1", "DIGEST_INVALID"],
    ["%3Cscript%3E", "MANIFEST_INVALID"],
    ["a%20b", "MANIFEST_INVALID"],
    ["ä", "MANIFEST_INVALID"],
    ["a+b", "MANIFEST_INVALID"],
    ["a@b", "MANIFEST_INVALID"],
    ["*", "MANIFEST_INVALID"],
    ["a".repeat(10_000), "MANIFEST_INVALID"],
    ["sha256:abc", "DIGEST_INVALID"],
    [`sha256:${"A".repeat(64)}`, "DIGEST_INVALID"],
    [`sha256:${"a".repeat(65)}`, "DIGEST_INVALID"],
    ["sha256:", "DIGEST_INVALID"],
    [":", "DIGEST_INVALID"],
    ["md5:d41d8cd98f00b204e9800998ecf8427e", "DIGEST_INVALID"],
    [`SHA256:${"a".repeat(64)}`, "DIGEST_INVALID"],
    [`sha256%253A${"a".repeat(64)}`, "MANIFEST_INVALID"],
    ["latest:", "DIGEST_INVALID"],
  ];
  for (const [reference, code] of references) {
    test(`is refused by every method: ${reference.slice(0, 30)}`, async () => {
      for (const method of ["PUT", "GET", "DELETE", "HEAD"]) {
        const request = rawRequest(method, `/v2/${name}/manifests/${reference}`, {
          headers: [`Content-Type: ${mediaTypes.image}`],
          ...(method === "PUT" && { body: manifestText() }),
        });
        const send = () => exchange(registry.port, request, { head: method === "HEAD" });
        if (method === "HEAD") expect((await leavingNoTrace(registry, send))?.status).toBe(400);
        else
          expect([
            ...(await expectRefused(registry, send, { status: 400, code })).headers.keys(),
          ]).not.toContain("x-evil");
      }
    });
  }
});

test("lies about the length of a manifest store nothing", async () => {
  const text = manifestText();
  const head = ["Connection: close", `Content-Type: ${mediaTypes.image}`];
  const lies: readonly [length: number, status: number | undefined][] = [
    [text.length - 1, 400],
    [10, 400],
    [0, 400],
    [9_000_000, 413],
    [Number.MAX_SAFE_INTEGER, 413],
  ];
  for (const [length, status] of lies) {
    const request = rawRequest("PUT", `/v2/${name}/manifests/lie`, {
      headers: [...head, `Content-Length: ${length}`],
      body: text,
      length: false,
    });
    const answer = await leavingNoTrace(registry, () => exchange(registry.port, request));
    expect([length, answer?.status]).toEqual([length, status]);
  }
  // Too long a length and then silence: the connection waits, and its end is the end of the matter.
  await leavingNoTrace(registry, async () => {
    using connection = await connectRaw(registry.port);
    await connection.send(
      rawRequest("PUT", `/v2/${name}/manifests/lie`, {
        headers: [...head, `Content-Length: ${text.length + 1}`],
        body: text,
        length: false,
      }),
    );
    await Bun.sleep(50);
    connection.hangUp();
    await Bun.sleep(50);
  });
  await expectAlive(registry);
});
