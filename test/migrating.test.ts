import { describe, expect, test } from "bun:test";
import { parse } from "yaml";
import { schema } from "../src/config/schema.ts";
import { parseVariables } from "../src/config/legacy/recognise.ts";

const PAGES = [...new Bun.Glob("docs/migrating/*.md").scanSync(), "docs/in-use.md"].toSorted();

async function page(path: string): Promise<string> {
  return await Bun.file(path).text();
}

describe("the pages on moving", () => {
  test("are all in the list of them", async () => {
    const list = await page("docs/migrating/README.md");
    const names = PAGES.filter((path) => path.startsWith("docs/migrating/")).map(
      (path) => path.split("/").at(-1) ?? "",
    );

    expect(names.filter((name) => name !== "README.md" && !list.includes(`(${name})`))).toEqual([]);
  });

  test.each(PAGES)("have only examples that are right: %s", async (path) => {
    for (const [, text = ""] of (await page(path)).matchAll(/```yaml\n(# wharf\.yaml\n.*?)```/gs)) {
      const { success, error } = schema.safeParse(parse(text));
      expect({ text, success, error: error?.message }).toMatchObject({ success: true });
    }
  });

  const keysOf = async (path: string): Promise<string[]> => {
    const text = await page(`test/fixtures/legacy/${path}`);
    const variables = parseVariables(text);
    if (variables) return Object.keys(variables);
    const document = parse(text) as Record<string, unknown>;
    const services = document["services"] as Record<string, { environment?: string[] }> | undefined;
    if (services)
      return services["registry-gc"]?.environment?.map((one) => one.split("=")[0] ?? "") ?? [];
    return leaves(document);
  };

  test.each([
    ["registry-gc/compose.yml", "registry-gc.md"],
    ["cleanup-script/config.json", "cleanup-script.md"],
    ["registry-manager/config.yml", "registry-manager.md"],
    ["manifest-cleanup/env", "manifest-cleanup.md"],
  ])("have every key of %s", async (path, name) => {
    const [, table = ""] = (await page(`docs/migrating/${name}`)).split("## Keys");
    const keys = await keysOf(path);

    expect(keys.length).toBeGreaterThan(3);
    expect(keys.filter((key) => !table.includes(key))).toEqual([]);
  });
});

/** The names of all settings that hold no others. */
function leaves(value: unknown, name = ""): string[] {
  if (typeof value !== "object" || value === null) return [name];
  if (Array.isArray(value)) return [name];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, key));
}
