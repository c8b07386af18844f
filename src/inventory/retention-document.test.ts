import { expect, test } from "bun:test";
import { digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { readRetentionDocument } from "./retention-document.ts";
import type { RetentionInventory } from "./retention-inventory.ts";

const digest = digestOf(new Uint8Array());
const inventory: RetentionInventory = {
  name: parseName("team/app"),
  tags: [{ tag: parseTag("v1"), digest, pushedAt: 1 }],
  manifests: [
    {
      digest,
      mediaType: "application/x",
      size: 5,
      pushedAt: 1,
      createdAt: null,
      pulledAt: 2.5,
      untaggedAt: null,
      subject: null,
      artifactType: null,
      children: [digest],
      blobs: [{ digest, size: 0 }],
    },
  ],
  untaggedListed: true,
  pullsSince: null,
  unreadable: [{ path: "a", problem: "b" }],
};

test("an inventory is the same after it was sent", () => {
  const sent: unknown = JSON.parse(JSON.stringify(inventory));
  expect(readRetentionDocument(sent)).toEqual(inventory);
  expect(readRetentionDocument(sent, inventory.name)).toEqual(inventory);
});

test.each([
  ["nothing", null],
  ["a list", []],
  ["another repository", { ...inventory, name: "team/other" }],
  ["a name that is none", { ...inventory, name: "../etc" }],
  ["a tag that is none", { ...inventory, tags: [{ tag: "a/b", digest, pushedAt: 1 }] }],
  ["a digest that is none", { ...inventory, tags: [{ tag: "v1", digest: "x", pushedAt: 1 }] }],
  ["a size below 0", { ...inventory, manifests: [{ ...inventory.manifests[0], size: -1 }] }],
  [
    "a time that is none",
    { ...inventory, manifests: [{ ...inventory.manifests[0], pushedAt: "1" }] },
  ],
  ["without manifests", { ...inventory, manifests: undefined }],
])("%s is no inventory of it", (_, document) => {
  expect(readRetentionDocument(document, inventory.name)).toBeNull();
});
