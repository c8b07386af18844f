import { describe, expect, test } from "bun:test";
import { parse } from "yaml";
import { generated } from "../scripts/docs.ts";
import { jsonSchema } from "../src/config/reference.ts";
import { schema } from "../src/config/schema.ts";
import { settingsOf } from "../src/config/schema-walk.ts";

describe("what is made from the schema of the configuration", () => {
  test("is up to date in docs/ (npm run docs)", async () => {
    for (const [path, text] of await generated()) {
      expect({ path, text: await Bun.file(path).text() }).toEqual({ path, text });
    }
  });

  test("explains every setting", () => {
    const silent = settingsOf(schema).filter(({ description }) => description === "");

    expect(silent.map(({ path }) => path.join("."))).toEqual([]);
  });

  test("knows the keys of secrets' files, and takes no pattern for a variable's place", () => {
    const text = JSON.stringify(jsonSchema());

    expect(text).toContain('"urlFile"');
    expect(text).not.toContain('"format":"');
    expect(text).not.toContain('"pattern":"');
  });
});

test("every wharf.yaml in the documentation is one", async () => {
  const page = await Bun.file("docs/configuration.md").text();
  const examples = [...page.matchAll(/```yaml\n(# wharf\.yaml\n.*?)```/gs)].map(([, text]) => text);

  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples) {
    const { success, error } = schema.safeParse(parse(example ?? ""));
    expect({ example, success, error: error?.message }).toMatchObject({ success: true });
  }
});

test("CONTRIBUTING.md has every npm script", async () => {
  const { scripts } = (await Bun.file("package.json").json()) as { scripts: object };
  const page = await Bun.file("CONTRIBUTING.md").text();
  const called = (name: string): string =>
    ["start", "test"].includes(name) ? `npm ${name}` : `npm run ${name}`;

  expect(Object.keys(scripts).filter((name) => !page.includes(called(name)))).toEqual([]);
});

test("docs/commands.md has every command", async () => {
  const page = await Bun.file("docs/commands.md").text();
  const help = Bun.spawnSync(["node", "bin/wharf.mjs", "--help"]).stdout.toString();
  const [, list = ""] = help.split("Commands:");
  const commands = [...list.matchAll(/^ {2}(\w+)/gm)].map(([, name = ""]) => name);

  expect(commands.length).toBeGreaterThan(5);
  expect(commands.filter((name) => !page.includes(`wharf ${name}`))).toEqual([]);
});

test("docs/commands.md has every option of every command", async () => {
  const page = await Bun.file("docs/commands.md").text();
  const missing: string[] = [];
  let options = 0;
  const look = (words: readonly string[]): void => {
    const help = Bun.spawnSync([
      process.execPath,
      "src/main.ts",
      ...words,
      "--help",
    ]).stdout.toString();
    const [own = "", below = ""] = help.split("\nCommands:\n");
    for (const [, option = ""] of own.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)) {
      options++;
      if (!page.includes(option)) missing.push(`${words.join(" ")} ${option}`);
    }
    const [list = ""] = below.split("\n\n");
    for (const [, name = ""] of list.matchAll(/^ {2}([\w-]+)/gm)) {
      // What the executable of registry:2 does, docs/drop-in.md says.
      if (name !== "help" && name !== "registry") look([...words, name]);
    }
  };

  look([]);

  expect(options).toBeGreaterThan(80);
  expect(missing).toEqual([]);
}, 60_000);
