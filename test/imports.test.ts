import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/**
 * Imports go one way: whoever reads a folder needs to know only the folders that stand before it.
 *
 * The key may import from what is listed; "metadata (types)" allows `import type` alone, so that at
 * run time the one is there without the other. What a folder imports from itself is not restricted.
 */
const core = ["oci", "config", "storage", "metadata", "registry", "client"];
const decisions = [...core, "inventory", "retention"];
const work = [...decisions, "plan"];

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  oci: [],
  observe: [],
  web: [],
  config: ["oci", "observe"],
  storage: ["oci"],
  metadata: ["oci", "storage"],
  registry: ["oci", "storage", "metadata"],
  client: ["oci"],
  inventory: core,
  retention: ["oci", "inventory (types)"],
  plan: decisions,
  gc: work,
  sync: work,
  backup: work,
  auth: ["oci", "config", "metadata", "observe"],
  notify: ["oci", "config", "metadata", "observe"],
  keep: [...work, "gc", "sync", "backup", "auth", "observe"],
  http: [
    "oci",
    "config",
    "registry",
    "metadata (types)",
    "storage (types)",
    "auth",
    "inventory",
    "gc",
    "notify",
    "web",
    "observe",
  ],
  cli: [...work, "gc", "sync", "backup", "auth", "notify", "keep", "http", "web", "observe"],
};

/** What computes, and reaches nothing outside of the process. */
const PURE = ["node:crypto", "re2js", "semver"];
const VOCABULARY = "oci";

/** What belongs to the process is read in few places, and passed on as arguments. */
const PROCESS_STATE = [
  { pattern: /\bprocess\.exit(Code)?\b/, says: "process.exit", places: ["main.ts"] },
  { pattern: /\b(process|Bun)\.argv\b/, says: "process.argv", places: ["main.ts"] },
  {
    pattern: /\b(process|Bun|import\.meta)\.env\b/,
    says: "process.env",
    places: ["main.ts", "config/"],
  },
];

const MOST_LINES = 400;

const root = join(import.meta.dir, "..", "src");

interface Source {
  /** Relative to src/, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const sources: readonly Source[] = await Promise.all(
  [...new Bun.Glob("**/*.{ts,tsx}").scanSync({ cwd: root })]
    .toSorted()
    .map(async (path) => ({ path, text: await Bun.file(join(root, path)).text() })),
);
/** A test beside its source is not part of the program, and may build what it needs from anywhere. */
const program = sources.filter(({ path }) => !/\.test\.tsx?$/.test(path));

test("there are sources to check", () => {
  expect(program.length).toBeGreaterThan(0);
  expect(program.flatMap(importsOf).length).toBeGreaterThan(0);
});

describe("imports go one way", () => {
  test("every folder of src/ stands in the table", () => {
    const folders = new Set(program.map(folderOf).filter((folder) => folder !== "main.ts"));
    expect([...folders].filter((folder) => !(folder in MAY_IMPORT))).toEqual([]);
  });

  for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
    test(`${folder}/ imports from ${allowed.join(", ") || "no other folder"}`, () => {
      const files = program.filter((source) => folderOf(source) === folder);
      expect(files.flatMap(wrongImports)).toEqual([]);
    });
  }

  test("nobody imports main.ts, and what is imported exists", () => {
    const targets = program.flatMap((source) =>
      ours(source).map(({ target }) => ({ path: source.path, target })),
    );
    expect(targets.filter(({ target }) => target === "main.ts")).toEqual([]);
    expect(targets.filter(({ target }) => !existsSync(join(root, target)))).toEqual([]);
  });

  test("no files import each other in a circle", () => {
    expect(circles(program)).toEqual([]);
  });
});

test("only main.ts and config/ read what belongs to the process", () => {
  expect(program.flatMap(processState)).toEqual([]);
});

test(`no file has more than ${MOST_LINES} lines`, () => {
  expect(sources.filter(({ text }) => lines(text) > MOST_LINES).map(({ path }) => path)).toEqual(
    [],
  );
});

describe("these rules can fail", () => {
  const refused: readonly (readonly [string, string, string])[] = [
    ["an import against the direction", "oci/a.ts", 'import { b } from "../http/b.ts";'],
    ["a type against the direction", "oci/a.ts", 'import type { B } from "../http/b.ts";'],
    [
      "a value where only types may pass",
      "http/v2/a.ts",
      'import { b } from "../../metadata/b.ts";',
    ],
    [
      "an import over several lines",
      "oci/a.ts",
      'import {\n  type B,\n  c,\n} from "../http/b.ts";',
    ],
    ["an export of another folder's", "oci/a.ts", 'export * from "../http/b.ts";'],
    ["an import for its effect", "oci/a.ts", 'import "../http/b.ts";'],
    ["an import at run time", "oci/a.ts", '  const b = await import("../http/b.ts");'],
    ["a worker", "oci/a.ts", 'new Worker(new URL("../http/b.ts", import.meta.url).href);'],
    ["main.ts", "cli/a.ts", 'import { b } from "../main.ts";'],
    ["what is outside of src/", "cli/a.ts", 'import { b } from "../../test/b.ts";'],
    ["a folder that is not in the table", "elsewhere/a.ts", 'import { b } from "../oci/b.ts";'],
    ["files in the vocabulary", "oci/a.ts", 'import { readFileSync } from "node:fs";'],
    ["a package in the vocabulary", "oci/a.ts", 'import { z } from "zod";'],
  ];
  for (const [what, path, text] of refused) {
    test(`${what} is refused`, () => {
      expect(wrongImports({ path, text })).toHaveLength(1);
    });
  }

  const accepted: readonly (readonly [string, string, string])[] = [
    ["an import along the direction", "storage/a.ts", 'import { b } from "../oci/b.ts";'],
    ["an import within the folder", "http/v2/a.ts", 'import { b } from "../b.ts";'],
    ["a type where only types may pass", "http/a.ts", 'import { type B } from "../metadata/b.ts";'],
    ["pure computing in the vocabulary", "oci/a.ts", 'import { createHash } from "node:crypto";'],
    ["main.ts importing a command", "main.ts", 'import { b } from "./cli/b.ts";'],
    ["an import in a comment", "oci/a.ts", '// see\n * import { b } from "../http/b.ts";'],
  ];
  for (const [what, path, text] of accepted) {
    test(`${what} is accepted`, () => {
      expect(wrongImports({ path, text })).toEqual([]);
    });
  }

  test("a circle is found, also one of types", () => {
    const a = { path: "oci/a.ts", text: 'import { b } from "./b.ts";' };
    const b = { path: "oci/b.ts", text: 'import type { C } from "./c.ts";' };
    const c = { path: "oci/c.ts", text: 'import { a } from "./a.ts";' };
    expect(circles([a, b])).toEqual([]);
    expect(circles([a, b, c])).toEqual(["oci/a.ts -> oci/b.ts -> oci/c.ts -> oci/a.ts"]);
  });

  test("process state is found outside of its places", () => {
    const text = 'if (process.env["A"]) process.exit(Number(process.argv[2]));';
    expect(processState({ path: "cli/a.ts", text })).toHaveLength(3);
    expect(processState({ path: "config/a.ts", text })).toHaveLength(2);
    expect(processState({ path: "main.ts", text })).toEqual([]);
  });

  test("the imports read here are all that Bun's own scanner sees", () => {
    for (const source of program) {
      const scanner = new Bun.Transpiler({ loader: source.path.endsWith("x") ? "tsx" : "ts" });
      const read = importsOf(source).map(({ specifier }) => specifier);
      const seen = scanner.scanImports(source.text).map(({ path }) => path);
      expect({ path: source.path, missed: seen.filter((path) => !read.includes(path)) }).toEqual({
        path: source.path,
        missed: [],
      });
    }
  });
});

/** Bun's scanner leaves out imports of types, which count here: hence these expressions. */
function importsOf({ text }: Pick<Source, "text">): Import[] {
  const statements = text.matchAll(
    /^(?:import|export)\s+(?<clause>[\w$*{},\s]+?)\s*from\s*"(?<specifier>[^"]+)"/gm,
  );
  const others = [
    /^import\s*"(?<specifier>[^"]+)"/gm,
    /\bimport\(\s*"(?<specifier>[^"]+)"/g,
    /\bnew URL\(\s*"(?<specifier>[^"]+)",\s*import\.meta\.url/g,
  ].flatMap((pattern) => [...text.matchAll(pattern)]);
  return [
    ...[...statements].map(({ groups }) => ({
      specifier: groups?.["specifier"] ?? "",
      typeOnly: isTypeOnly(groups?.["clause"] ?? ""),
    })),
    ...others.map(({ groups }) => ({ specifier: groups?.["specifier"] ?? "", typeOnly: false })),
  ];
}

/** `type { A }`, and `{ type A, type B }`. */
function isTypeOnly(clause: string): boolean {
  if (/^type\s/.test(clause)) return true;
  const names = /^\{(?<names>[^}]*)\}$/.exec(clause.trim())?.groups?.["names"]?.split(",") ?? [""];
  return names.every((name) => /^\s*(type\s|$)/.test(name)) && names.some((name) => name.trim());
}

function folderOf({ path }: Pick<Source, "path">): string {
  return path.split("/")[0] ?? path;
}

/** The imports of our own files, with the path that each names, relative to src/. */
function ours(source: Source): (Import & { readonly target: string })[] {
  return importsOf(source)
    .filter(({ specifier }) => specifier.startsWith("."))
    .map((one) => ({
      ...one,
      target: normalize(join(dirname(source.path), one.specifier)).replaceAll("\\", "/"),
    }));
}

function wrongImports(source: Source): string[] {
  const folder = folderOf(source);
  const says = (specifier: string, why: string): string => `${source.path}: ${specifier}: ${why}`;
  const foreign = importsOf(source)
    .filter(({ specifier }) => !specifier.startsWith("."))
    .filter(({ specifier }) => folder === VOCABULARY && !PURE.includes(specifier))
    .map(({ specifier }) => says(specifier, `${folder}/ imports only ${PURE.join(", ")}`));
  const own = ours(source).flatMap(({ specifier, target, typeOnly }) => {
    const why = objection(folder, target, typeOnly);
    return why === null ? [] : [says(specifier, why)];
  });
  return [...foreign, ...own];
}

function objection(folder: string, target: string, typeOnly: boolean): string | null {
  const other = folderOf({ path: target });
  if (folder === "main.ts") return null;
  if (other === "..") return "only main.ts imports from outside of src/";
  if (other === folder) return null;
  const allowed = MAY_IMPORT[folder];
  if (allowed === undefined) return `${folder}/ is not in the table`;
  if (allowed.includes(other) || (typeOnly && allowed.includes(`${other} (types)`))) return null;
  return `${folder}/ imports only from ${allowed.join(", ") || "itself"}`;
}

/** Each circle once, from the file where the walk met it. */
function circles(files: readonly Source[]): string[] {
  const next = new Map(files.map((file) => [file.path, ours(file).map(({ target }) => target)]));
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) found.push([...way.slice(way.indexOf(path)), path].join(" -> "));
    if (way.includes(path) || done.has(path)) return;
    for (const target of next.get(path) ?? []) walk(target, [...way, path]);
    done.add(path);
  };
  for (const { path } of files) walk(path, []);
  return found;
}

function processState({ path, text }: Source): string[] {
  return PROCESS_STATE.filter(({ pattern }) => pattern.test(text))
    .filter(({ places }) => !places.some((place) => path === place || path.startsWith(place)))
    .map(({ says, places }) => `${path}: ${says} belongs to ${places.join(" and ")}`);
}

function lines(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}
