import { describe, expect, test } from "bun:test";
import { parseTagPattern } from "../../oci/tag-pattern.ts";
import { legacyFile, read, readText, refused, taken } from "../../../test/support/legacy-config.ts";

interface Given {
  readonly registry?: Readonly<Record<string, unknown>>;
  readonly cleanup?: Readonly<Record<string, unknown>>;
  readonly paths?: Readonly<Record<string, unknown>>;
}

function configOf({ registry = {}, cleanup = {}, paths = {} }: Given = {}): string {
  return JSON.stringify(
    {
      registry: {
        url: "http://127.0.0.1:5001",
        user: "u",
        password: "secret-of-u",
        container: "registry",
        ...registry,
      },
      cleanup: {
        days_to_keep: 30,
        protected_tags: ["latest"],
        protected_patterns: ["develop"],
        ...cleanup,
      },
      paths: { config: "/etc/distribution/config.yml", storage: "/var/lib/registry", ...paths },
    },
    null,
    "\t",
  );
}

describe("the config.json of cleanup-script", () => {
  test("deletes what was built so many days ago, and keeps what it protects, and what it never said", () => {
    const loaded = read(legacyFile("cleanup-script/config.json"));
    const { retention, registries } = taken(loaded);

    expect(loaded).toMatchObject({ tool: "cleanup-script" });
    expect(retention).toMatchObject([
      {
        repositories: ["**"],
        delete: [{ tags: ["*"], olderThan: 30 * 86_400_000, clock: "created" }],
        keep: [
          { tags: ["latest", "prod-stable", "dev-stable"] },
          { tags: ["/(?i)develop/", "/(?i)master/", "/(?i)main/", "/(?i)release/"] },
          { tags: ["buildcache", "latest", "cache"] },
        ],
      },
    ]);
    expect(registries).toMatchObject([
      {
        name: "registry",
        url: "http://127.0.0.1:5001",
        username: "someuser",
        password: "somepass",
        collect: { with: "tree", data: "/some/path", afterPrune: true },
      },
    ]);
  });

  test("collects in the container where it knows no folder, as the script did", async () => {
    const { registries } = taken(await readText(configOf()));

    expect(registries[0]?.collect).toMatchObject({
      with: "docker-exec",
      container: "registry",
      config: "/etc/distribution/config.yml",
    });
  });

  test("protects by parts of a tag that mean nothing but themselves", async () => {
    const cleanup = { protected_patterns: ["1.2", "a+b", "(x"], protected_tags: ["v1*", "a.b"] };
    const { retention } = taken(await readText(configOf({ cleanup })));
    const patterns = retention[0]?.keep.slice(0, 2).flatMap(({ tags }) => tags ?? []) ?? [];
    const kept = (tag: string): boolean =>
      patterns.some((text) => {
        const pattern = parseTagPattern(text);
        return "matches" in pattern && pattern.matches(tag);
      });

    expect(["x-1.2-y", "a.b", "X1.2"].map(kept)).toEqual([true, true, true]);
    expect(["x-1a2-y", "v10", "aab", "axb"].map(kept)).toEqual([false, false, false, false]);
  });

  test("is read with DEBUG, and with half a day", async () => {
    const text = configOf({ cleanup: { days_to_keep: 0.5 } });

    expect(taken(await readText(text, { DEBUG: "true" })).log.level).toBe("debug");
    expect(taken(await readText(text)).retention[0]?.delete[0]?.olderThan).toBe(12 * 3_600_000);
  });

  test("goes without credentials where it has none", async () => {
    const config = taken(await readText(configOf({ registry: { user: "", password: "" } })));

    expect(config.registries[0]?.username).toBeUndefined();
  });

  test.each<[string, Given, string]>([
    [
      "a word for a number",
      { cleanup: { days_to_keep: "ten" } },
      'cleanup.days_to_keep: "ten" is not a number',
    ],
    [
      "a number below 0",
      { cleanup: { days_to_keep: -1 } },
      'cleanup.days_to_keep: "-1" is below 0',
    ],
    ["no number", { cleanup: { days_to_keep: null } }, "cleanup.days_to_keep: must be set"],
    [
      "an empty pattern",
      { cleanup: { protected_patterns: ["a", ""] } },
      "cleanup.protected_patterns.1: is empty",
    ],
    [
      "a map for a list",
      { cleanup: { protected_tags: { a: 1 } } },
      "cleanup.protected_tags: must be a list of values",
    ],
    ["no URL", { registry: { url: "" } }, "registry.url: must be set"],
    [
      "a URL that is none",
      { registry: { url: "not a url" } },
      "registry.url: is not the URL of a registry",
    ],
    ["a user alone", { registry: { password: "" } }, "registry.password: must be set"],
  ])("is refused with %s, and the path of it", async (_, given, message) => {
    const text = refused(await readText(configOf(given)));

    expect(text).toContain(message);
    expect(text).not.toContain("secret-of-u");
  });

  test("is refused where it is cut off", async () => {
    expect(refused(await readText(configOf().slice(0, -20)))).toContain("it is not YAML");
  });
});
