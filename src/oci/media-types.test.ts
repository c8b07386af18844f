import { describe, expect, test } from "bun:test";
import {
  DOCKER_IMAGE,
  DOCKER_LIST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  MANIFEST_TYPES,
  OCI_ARTIFACT,
  OCI_IMAGE,
  OCI_INDEX,
  OCTET_STREAM,
  isForeignLayer,
  manifestKind,
} from "./media-types.ts";

describe("media types of manifests", () => {
  test.each([
    [OCI_IMAGE, "image"],
    [DOCKER_IMAGE, "image"],
    [OCI_INDEX, "index"],
    [DOCKER_LIST, "index"],
    [OCI_ARTIFACT, "artifact"],
  ] as const)("%s is an %s", (mediaType, kind) => {
    expect(manifestKind(mediaType)).toBe(kind);
  });

  test("those and no others can be pushed", () => {
    expect(MANIFEST_TYPES.toSorted()).toEqual(
      [OCI_IMAGE, DOCKER_IMAGE, OCI_INDEX, DOCKER_LIST, OCI_ARTIFACT].toSorted(),
    );
  });

  test.each([
    DOCKER_SCHEMA1,
    DOCKER_SCHEMA1_SIGNED,
    OCTET_STREAM,
    "",
    "application/json",
    "text/html",
    `${OCI_IMAGE}; charset=utf-8`,
    OCI_IMAGE.toUpperCase(),
    ` ${OCI_IMAGE}`,
    // What every object inherits is no entry of a table.
    "constructor",
    "toString",
    "__proto__",
    "hasOwnProperty",
  ])("%p is no manifest that can be pushed", (mediaType) => {
    expect(manifestKind(mediaType)).toBeNull();
  });
});

describe("layers that stay with their vendor", () => {
  test.each([
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
  ])("%s is one", (mediaType) => {
    expect(isForeignLayer(mediaType)).toBe(true);
  });

  test.each([
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.oci.empty.v1+json",
    "x-application/vnd.oci.image.layer.nondistributable.v1.tar",
    "",
  ])("%p is none", (mediaType) => {
    expect(isForeignLayer(mediaType)).toBe(false);
  });
});
