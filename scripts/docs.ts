import { join } from "node:path";
import { jsonSchema, referenceTable } from "../src/config/reference.ts";

/** `npm run docs`: what of docs/ is made from the schema of the configuration. `--check` only compares. */

const docs = join(import.meta.dir, "..", "docs");

const [start, end] = ["<!-- settings: made by npm run docs -->", "<!-- end of settings -->"];

/** The files as they should be. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  const page = join(docs, "configuration.md");
  const text = await Bun.file(page).text();
  const [before, rest] = [text.split(start)[0], text.split(end)[1]];
  if (before === undefined || rest === undefined) throw new Error(`${page} has lost its marks`);
  return new Map([
    [page, `${before}${start}\n\n${referenceTable()}\n\n${end}${rest}`],
    [join(docs, "wharf.schema.json"), `${JSON.stringify(jsonSchema(), null, 2)}\n`],
  ]);
}

if (import.meta.main) {
  for (const [path, text] of await generated()) await Bun.write(path, text);
}
