import { expect, test } from "bun:test";
import type { HarborArtifact } from "../client/harbor-artifacts.ts";
import { digestOf } from "../oci/digest.ts";
import { OCI_IMAGE, OCI_INDEX } from "../oci/media-types.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { inventoryFromHarbor } from "./from-harbor.ts";

const NAME = parseName("app/web");
const digest = (text: string) => digestOf(new TextEncoder().encode(text));

function artifact(name: string, more: Partial<HarborArtifact> = {}): HarborArtifact {
  return {
    digest: digest(name),
    mediaType: OCI_IMAGE,
    artifactType: null,
    size: 100,
    pushedAt: 1000,
    pulledAt: null,
    createdAt: null,
    children: [],
    tags: [],
    accessories: [],
    ...more,
  };
}

test("an index has the latest times of its children, and its size without them", () => {
  const children = [
    artifact("a", { createdAt: 10, pulledAt: 70, size: 40 }),
    artifact("b", { createdAt: 30, pulledAt: 50, size: 60 }),
  ];
  const list = artifact("list", {
    mediaType: OCI_INDEX,
    size: 103,
    children: children.map((one) => one.digest),
    tags: [{ tag: parseTag("1"), pushedAt: 5, immutable: true }],
  });
  const { manifests, tags, untaggedListed } = inventoryFromHarbor(NAME, [list, ...children]);
  const found = manifests.find((one) => one.digest === list.digest);
  expect(found).toMatchObject({ size: 3, createdAt: 30, pulledAt: 70, blobs: [] });
  expect(tags).toEqual([{ tag: parseTag("1"), digest: list.digest, pushedAt: 5, immutable: true }]);
  expect(untaggedListed).toBe(true);
});

test("accessories are referrers of their subject", () => {
  const accessory = { digest: digest("sig"), size: 7, type: "signature.cosign", createdAt: 9 };
  const signed = artifact("a", { accessories: [accessory] });
  const { manifests } = inventoryFromHarbor(NAME, [signed]);
  expect(manifests).toHaveLength(2);
  expect(manifests.find((one) => one.digest === accessory.digest)).toMatchObject({
    subject: signed.digest,
    artifactType: "signature.cosign",
    pushedAt: 9,
    size: 7,
  });
});

test("pulls count as recorded since the oldest that is shown; without any, nobody knows", () => {
  const pulled = [artifact("a", { pulledAt: 50 }), artifact("b", { pulledAt: 30 }), artifact("c")];
  expect(inventoryFromHarbor(NAME, pulled).pullsSince).toBe(30);
  expect(inventoryFromHarbor(NAME, [artifact("a")]).pullsSince).toBeNull();
});

test("when an artifact has lost its last tag is not known", () => {
  const { manifests } = inventoryFromHarbor(NAME, [artifact("a")]);
  expect(manifests[0]?.untaggedAt).toBeNull();
});
