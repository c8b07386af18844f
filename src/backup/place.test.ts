import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { inDataFolder, placeOf } from "./place.ts";

const HEX = "ab".repeat(32);
const TREE = "docker/registry/v2";

describe("what a file of a data folder is", () => {
  test.each([
    [`${TREE}/blobs/sha256/ab/${HEX}/data`, "blob"],
    [`${TREE}/blobs/sha512/ab/${HEX}${HEX}/data`, "blob"],
    [`${TREE}/blobs/sha256/cd/${HEX}/data`, "other"],
    [`${TREE}/blobs/sha256/ab/${HEX.toUpperCase()}/data`, "other"],
    [`${TREE}/repositories/a/b/_layers/sha256/${HEX}/link`, "layer"],
    [`${TREE}/repositories/a/_manifests/revisions/sha256/${HEX}/link`, "manifest"],
    [`${TREE}/repositories/a/_manifests/revisions/sha512/${HEX}/link`, "other"],
    [`${TREE}/repositories/A/_layers/sha256/${HEX}/link`, "other"],
    [`${TREE}/repositories/a/_manifests/tags/1.0/current/link`, "tag"],
    [`${TREE}/repositories/a/_manifests/tags/.x/current/link`, "other"],
    [`${TREE}/repositories/a/_manifests/tags/1.0/index/sha256/${HEX}/link`, "passing"],
    [`${TREE}/repositories/a/_uploads/1/data`, "passing"],
    [`${TREE}/repositories/a/_layers/sha256/${HEX}/link.1234.tmp`, "passing"],
    [`${TREE}/repositories/a/_layers/sha256/${HEX}/.wharfinger-1`, "passing"],
    ["wharfinger/backup.json", "document"],
    ["wharfinger/backup.list", "list"],
    ["wharfinger/backup-unfinished", "unfinished"],
    ["wharfinger/htpasswd", "user"],
    ["wharfinger/configuration/wharf.yaml", "configuration"],
    ["wharfinger/metadata.sqlite", "passing"],
    ["README", "other"],
  ])("%s: %s", (path, is) => {
    expect(placeOf(path).is).toBe(is as never);
  });

  test("never has a name in it that is none, whatever stands there", () => {
    const part = fc.constantFrom(
      "..",
      ".",
      "",
      "a",
      "_layers",
      "_manifests",
      "tags",
      "link",
      "sha256",
      HEX,
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 9 }), (parts) => {
        const place = placeOf(`${TREE}/repositories/${parts.join("/")}`);
        if ("name" in place) expect(place.name).toMatch(/^[a-z0-9]+(\/[a-z0-9]+)*$/);
      }),
    );
  });
});

describe("where a data folder begins in an archive", () => {
  test.each([
    ["docker/registry/v2/blobs/x", "", "blobs/x"],
    ["registry/v2/blobs/x", "", "blobs/x"],
    ["v2/repositories/x", "", "repositories/x"],
    ["v2/repositories/v2/blobs/x", "", "repositories/v2/blobs/x"],
    ["var/lib/registry/docker/registry/v2/blobs/x", "var/lib/registry/", "blobs/x"],
    ["registry/docker/registry/v2/blobs/x", "registry/", "blobs/x"],
    [
      "data/docker/registry/v2/repositories/v2/repositories/x",
      "data/",
      "repositories/v2/repositories/x",
    ],
  ])("%s: %p", (path, prefix, rest) => {
    expect(inDataFolder(path)).toEqual({ prefix, path: `${TREE}/${rest}` });
  });

  test.each(["wharfinger/htpasswd", "docker/registry/v2/other", "v2", "x/v3/blobs/y"])(
    "not %s",
    (path) => {
      expect(inDataFolder(path)).toBeNull();
    },
  );
});
