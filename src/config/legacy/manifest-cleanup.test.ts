import { describe, expect, test } from "bun:test";
import { legacyFile, read, refused, taken } from "../../../test/support/legacy-config.ts";

const VARIABLES = { REGISTRY_URL: "https://registry.example.com", REGISTRY_DIR: "/srv/registry" };

describe("the variables of manifest-cleanup", () => {
  test("are taken from the file that people have", () => {
    const loaded = read(legacyFile("manifest-cleanup/env"));
    const { retention, registries } = taken(loaded);

    expect(loaded).toMatchObject({ tool: "manifest-cleanup" });
    expect(retention).toMatchObject([
      { repositories: ["**"], delete: [{ untagged: true, olderThan: 3_600_000 }] },
    ]);
    expect(registries).toMatchObject([
      {
        url: "https://registry.example.com",
        tree: "/registry",
        insecure: true,
        username: "myuser",
        password: "sickpassword",
        prune: { dryRun: true },
      },
    ]);
  });

  test("have the tool's defaults: the folder /registry, and deleting", () => {
    const { registries } = taken(
      read(null, { REGISTRY_URL: "https://registry.example.com", SELF_SIGNED_CERT: "false" }),
    );

    expect(registries[0]).toMatchObject({
      tree: "/registry",
      insecure: false,
      prune: { dryRun: false },
    });
  });

  test.each([
    ["SELF_SIGNED_CERT", "true", true],
    ["SELF_SIGNED_CERT", "false", false],
    ["CURL_INSECURE", "true", true],
    ["CURL_INSECURE", "0", false],
  ])("%s=%s says whether certificates go unchecked", (key, value, insecure) => {
    expect(taken(read(null, { ...VARIABLES, [key]: value })).registries[0]?.insecure).toBe(
      insecure,
    );
  });

  test("have a password with colons in it", () => {
    const { registries } = taken(read(null, { ...VARIABLES, REGISTRY_AUTH: "user:pass:word:x" }));

    expect(registries[0]).toMatchObject({ username: "user", password: "pass:word:x" });
  });

  test.each([
    ["DRY_RUN", "maybe", 'DRY_RUN: "maybe" is neither true nor false'],
    ["SELF_SIGNED_CERT", "x", 'SELF_SIGNED_CERT: "x" is neither true nor false'],
    ["CURL_INSECURE", "x", 'CURL_INSECURE: "x" is neither true nor false'],
    ["REGISTRY_AUTH", "onlyapassword", "REGISTRY_AUTH: must be USER:PASSWORD"],
    ["REGISTRY_STORAGE", "S3", "REGISTRY_STORAGE: storage in S3 cannot be read yet"],
    ["REGISTRY_STORAGE", "tape", 'REGISTRY_STORAGE: there is no storage "tape"'],
    ["REGISTRY_URL", "", "REGISTRY_URL: must be set"],
  ])("%s=%s is an error at start", (key, value, message) => {
    const text = refused(read(null, { ...VARIABLES, [key]: value }));

    expect(text).toContain(message);
    expect(text).not.toContain("onlyapassword");
  });
});
