import { describe, expect, test } from "bun:test";
import { type Digest, digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { type Reference, parseTag } from "../oci/reference.ts";
import { type Found, planRemovals } from "./delete-plan.ts";

const digest = digestOf(new TextEncoder().encode("a manifest"));

/** What a registry says of an image: which tags name its digest. */
function found(reference: string | Digest, tags: readonly string[], repository = "app"): Found {
  const target = {
    image: `${repository} ${reference}`,
    host: null,
    registry: "http://127.0.0.1:5000",
    repository: parseName(repository),
    reference: reference as Reference,
  };
  return { target, description: { digest, mediaType: "", size: 1, platforms: [], tags } };
}

function planned(...images: readonly Found[]) {
  return planRemovals(images).map(({ deletes, reference, tags, sharedWith }) => {
    return { deletes, reference: String(reference), tags, sharedWith };
  });
}

describe("a plan to delete", () => {
  test("a tag names the tags that keep its manifest", () => {
    expect(planned(found("1", ["1", "latest"]))).toEqual([
      { deletes: "tag", reference: "1", tags: [parseTag("1")], sharedWith: ["latest"] },
    ]);
  });

  test("two tags of one manifest does not count one as what keeps it for the other", () => {
    const tags = ["1", "2", "3"];

    expect(planned(found("1", tags), found("2", tags)).map((one) => one.sharedWith)).toEqual([
      ["3"],
      ["3"],
    ]);
  });

  test("tags of the same name in two repositories keeps them apart", () => {
    const plan = planned(found("1", ["1", "2"]), found("2", ["1", "2"], "other"));

    expect(plan.map((one) => one.sharedWith)).toEqual([["2"], ["1"]]);
  });

  test("a digest names every tag that goes with it", () => {
    expect(planned(found(digest, ["1", "latest"]))).toEqual([
      { deletes: "manifest", reference: digest, tags: ["1", "latest"], sharedWith: [] },
    ]);
  });

  test("a tag and its digest takes the tag first, and says that nothing keeps the manifest", () => {
    const tags = ["1", "latest"];

    const plan = planned(found(digest, tags), found("1", tags));

    expect(plan.map(({ deletes }) => deletes)).toEqual(["tag", "manifest"]);
    expect(plan[0]?.sharedWith).toEqual([]);
  });

  test("the same image twice deletes it once", () => {
    expect(planned(found("1", ["1"]), found("1", ["1"]))).toHaveLength(1);
  });
});
