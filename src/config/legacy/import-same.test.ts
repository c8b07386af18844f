import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { stringify } from "yaml";
import { type Folder, temporaryFolder } from "../../../test/support/folder.ts";
import { RegistryError } from "../../oci/errors.ts";
import { type AnyLoaded, readAnyConfig, translationOf } from "../any.ts";
import { readConfig } from "../load.ts";
import { renderWharfYaml } from "./render.ts";

/** What YAML, our own notation of variables, and readers of either might take for something else. */
const word = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }),
  fc.constantFrom("${X}", "$X", "$${Y}", "null", "~", "yes", "0x1F", "1e3", "- a", "# c", "a: b"),
  fc.constantFrom("*x", "&y", "!z", "|", "'q'", '"d"', "a\nb", "{a", "2001-01-01", "0123", "<<"),
);

/** Whether it is refused; where it is not, what is made of it means the same as it does itself. */
function sameAsImported(folder: Folder, text: string): "refused" | "same" {
  const [file, output] = [folder.at("config"), folder.at("wharf.yaml")];
  writeFileSync(file, text);
  const sources = { file, environment: {}, flags: {} };
  let direct: AnyLoaded;
  try {
    direct = readAnyConfig(sources);
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "CONFIG_INVALID") return "refused";
    throw error;
  }
  const translation = translationOf(sources);
  if (!translation) throw new Error("it was taken for one of ours");
  writeFileSync(output, renderWharfYaml(translation, "x"));
  const imported = readConfig({ file: output, environment: translation.secrets, flags: {} });
  expect(imported.config).toEqual(direct.config);
  return "same";
}

async function check(texts: fc.Arbitrary<string>): Promise<void> {
  await using folder = await temporaryFolder();
  const seen = { refused: 0, same: 0 };
  const property = fc.property(texts, (text) => void seen[sameAsImported(folder, text)]++);
  fc.assert(property, { numRuns: 150 });
  expect(seen.same).toBeGreaterThan(0);
}

describe("what is imported means the same as the file itself, whatever stands in it", () => {
  test("of cleanup-script", async () => {
    const document = fc.record({
      registry: fc.record({ url: fc.constant("http://h:5000"), user: word, password: word }),
      cleanup: fc.record({
        days_to_keep: fc.oneof(fc.integer({ min: 0, max: 999 }), fc.constantFrom("30", "1.5")),
        protected_tags: fc.array(word, { maxLength: 2 }),
        protected_patterns: fc.array(word, { maxLength: 2 }),
      }),
      paths: fc.record({ host_storage: word }),
    });
    await check(document.map((one) => JSON.stringify(one)));
  });

  test("of registry-manager", async () => {
    const words = fc.array(word, { maxLength: 3 }).map((all) => all.join(","));
    const expression = fc.constantFrom("^v\\d+$", "a/b", "(", "^latest$|^x/y$", "(?i)A", "");
    const repository = fc.constantFrom("a", "b:1", "b", "c/d", "c/d:x", "c/d:y");
    const document = fc.record({
      registries: fc.record({
        hub: fc.record({
          registry: fc.constant("https://h"),
          username: fc.constant("u"),
          password: word,
          repositories: fc.array(repository, { maxLength: 4 }),
        }),
      }),
      "delete-policy": fc.record({
        registries: fc.constant(["hub"]),
        start: fc.integer({ min: 0, max: 2 }),
        "dry-run": fc.boolean(),
        "mix-count": fc.integer({ min: 0, max: 5 }),
        "sem-ver": fc.boolean(),
        tags: fc.record({
          include: fc.record({ keys: words }),
          exclude: fc.record({ keys: words, regex: expression }),
        }),
      }),
    });
    await check(document.map((one) => stringify(one)));
  });

  test("of registry-gc", async () => {
    const line = word.filter((text) => !/[\n\r]/.test(text));
    const variables = fc.record({
      REGISTRY_URL: fc.constant("http://r:5000"),
      KEEP_N: fc.constantFrom("10", "0", "3", "x"),
      PRUNE_INTERVAL: fc.constantFrom("24h", "0", "1h30m", "90s", "2.5h", "1d"),
      WORKERS: fc.constantFrom("8", "1", "300"),
      REGISTRY_USER: line,
      REGISTRY_PASS: line,
    });
    const text = (all: object): string =>
      Object.entries(all)
        .map(([name, value]) => `${name}=${value}\n`)
        .join("");
    await check(variables.map(text));
  });
});
