import { expect, test } from "bun:test";
import { image } from "../../../test/support/image.ts";
import { localRegistry } from "../../../test/support/local-registry.ts";

test("a page of tags does not repeat in each entry what else names its manifest", async () => {
  await using registry = await localRegistry();
  const one = image();
  await one.push(registry.url, "app", "1", "2");

  const page = await (await fetch(`${registry.url}/api/v1/tags/app`)).json();
  const single = await (await fetch(`${registry.url}/api/v1/manifests/app/1`)).json();

  const size = one.bytes.length + one.blobs.reduce((sum, blob) => sum + blob.bytes.length, 0);
  const { digest, mediaType } = one;
  const described = { digest, mediaType, size, platforms: expect.any(Array) };
  const pushedAt = expect.any(Number);
  expect(page).toEqual({
    schemaVersion: 1,
    name: "app",
    tags: [
      { tag: "1", pushedAt, ...described },
      { tag: "2", pushedAt, ...described },
    ],
    next: null,
  });
  const tags = expect.arrayContaining(["1", "2"]);
  expect(single).toEqual({ schemaVersion: 1, name: "app", ...described, tags });
});
