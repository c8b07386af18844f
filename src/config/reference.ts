import { z } from "zod";
import { VARIABLES, variableOf } from "./own-variables.ts";
import { schema } from "./schema.ts";
import { definitionOf, type Setting, settingsOf, shapeOf, unwrap } from "./schema-walk.ts";

/** The JSON Schema of a wharf.yaml, for editors. Pure. */
export function jsonSchema(): unknown {
  const document = z.toJSONSchema(schema, {
    io: "input",
    override({ zodSchema, jsonSchema: made }) {
      // Any text may have a ${VARIABLE} in it, which is no URL and no address until it is replaced.
      delete made.format;
      delete made.pattern;
      delete made["secret"];
      const shape = shapeOf(zodSchema);
      if (shape === null || made.properties === undefined) return;
      for (const [key, type] of Object.entries(shape)) {
        if (unwrap(type).meta.secret !== true) continue;
        made.properties[`${key}File`] = { type: "string", description: `a file with ${key} in it` };
        const required = made.required?.filter((one) => one !== key);
        if (required !== undefined) made.required = required;
      }
    },
  });
  return { title: "wharf.yaml", ...document };
}

/** Every setting as rows of a Markdown table, in the order of the schema. Pure. */
export function referenceTable(): string {
  const rows = settingsOf(schema).map((setting) =>
    [code(pathOf(setting)), variable(setting), standard(setting), sentence(setting)].join(" | "),
  );
  return [
    "| setting | variable | default | meaning |",
    "|---|---|---|---|",
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}

function pathOf({ path }: Setting): string {
  return path.join(".").replaceAll(".[]", "[]");
}

function variable({ path }: Setting): string {
  const name = variableOf(path);
  return VARIABLES.has(name) ? code(name) : "";
}

function standard({ fallback, required }: Setting): string {
  if (fallback === undefined) return required ? "must be set" : "unset";
  if (typeof fallback === "object" && Object.keys(fallback ?? {}).length === 0) return "none";
  return code(typeof fallback === "string" ? fallback : JSON.stringify(fallback));
}

function sentence({ description, type, secret }: Setting): string {
  const values = choices(type);
  const among = values.length === 0 ? "" : ` (${values.map(code).join(", ")})`;
  const kept = secret ? ". A secret: see below" : "";
  return `${description}${among}${kept}`.replaceAll("|", "\\|");
}

/** The words of an enumeration, also in a list. */
function choices(type: Setting["type"]): string[] {
  const def = definitionOf(type);
  if (def.type === "array") return choices(unwrap(def.element).type);
  return def.type === "enum" ? Object.values(def.entries).map(String) : [];
}

function code(text: string): string {
  return `\`${text}\``;
}
