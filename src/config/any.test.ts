import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { legacyFile, read, readText, refused } from "../../test/support/legacy-config.ts";
import { toolOfDocument, toolOfVariables } from "./legacy/recognise.ts";

describe("whose configuration it is", () => {
  test.each([
    ["registry-gc/compose.yml", "registry-gc"],
    ["cleanup-script/config.json", "cleanup-script"],
    ["registry-manager/config.yml", "registry-manager"],
    ["manifest-cleanup/env", "manifest-cleanup"],
    ["registry-gc/config.yml", null],
  ])("is told by its shape: %s", (path, tool) => {
    expect(read(legacyFile(path))).toMatchObject({ tool });
  });

  test("is told of variables", () => {
    expect(toolOfVariables({ REGISTRY_URL: "x", KEEP_N: "1" })).toBe("registry-gc");
    expect(toolOfVariables({ REGISTRY_URL: "x", REGISTRY_DIR: "/r" })).toBe("manifest-cleanup");
    expect(toolOfVariables({ REGISTRY_URL: "x", REGISTRY_AUTH: "a:b" })).toBe("manifest-cleanup");
    expect(toolOfVariables({ REGISTRY_URL: "x" })).toBe("registry-gc");
    expect(toolOfVariables({ REGISTRY_AUTH: "htpasswd", REGISTRY_HTTP_ADDR: ":5000" })).toBeNull();
  });

  test.each([
    ["a wharf.yaml", { registries: [{ name: "a", url: "b" }], retention: [] }],
    ["a distribution configuration", { version: "0.1", storage: {} }],
    ["a list", []],
    ["nothing", null],
  ])("is none of theirs: %s", (_, document) => {
    expect(toolOfDocument(document)).toBeNull();
  });
});

describe("what is nobody's configuration", () => {
  test.each([
    ["is cut off", '{"registry": {"url": "x"', /it is not YAML|CONFIG/],
    [
      "is nested without end",
      `{"registry":{},"cleanup":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
      /nested|YAML|too/,
    ],
    ["has an alias that contains itself", "registries: &a { b: *a }\n", /alias/],
    ["has a key twice", "registries: {}\nregistries: {}\n", /stands twice/],
    ["has unknown variables alone", "A=1\nB=2\n", /of no tool/],
    ["is binary", "\u0000\u0001\u0002", /./],
    [
      "has services that are two tools",
      "services:\n  a: { environment: [REGISTRY_URL=x, KEEP_N=1] }\n  b: { environment: { REGISTRY_URL: y, REGISTRY_DIR: /z } }\n",
      /several of its services/,
    ],
  ])("is refused, with a reason: what %s", async (_, text, message) => {
    expect(refused(await readText(text))).toMatch(message);
  });

  test("never ends in anything but a refusal", async () => {
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(fc.string(), { maxLength: 3 }),
    );
    const document = fc.oneof(
      fc.record(
        {
          registry: fc.dictionary(
            fc.constantFrom("url", "user", "password", "container", "x"),
            value,
          ),
          cleanup: fc.dictionary(
            fc.constantFrom("days_to_keep", "protected_tags", "protected_patterns"),
            value,
          ),
          paths: fc.oneof(value, fc.dictionary(fc.constantFrom("config", "host_storage"), value)),
        },
        { requiredKeys: ["registry", "cleanup"] },
      ),
      fc.record(
        {
          registries: fc.dictionary(
            fc.string(),
            fc.oneof(
              value,
              fc.dictionary(
                fc.constantFrom("registry", "username", "password", "insecure", "repositories"),
                value,
              ),
            ),
          ),
          "delete-policy": fc.oneof(
            value,
            fc.dictionary(
              fc.constantFrom("registries", "start", "mix-count", "sem-ver", "tags", "dry-run"),
              value,
            ),
          ),
          "sync-policy": fc.oneof(
            value,
            fc.dictionary(fc.constantFrom("from", "to", "filters", "replace"), value),
          ),
        },
        { requiredKeys: ["registries"] },
      ),
      fc.anything(),
    );
    await fc.assert(
      fc.asyncProperty(document, async (one) => {
        await readText(JSON.stringify(one) ?? "");
      }),
      { numRuns: 300 },
    );
  });
});
