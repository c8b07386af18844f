import { describe, expect, test } from "bun:test";
import { parseYaml, YamlFault } from "./yaml.ts";

function fault(text: string): string {
  try {
    parseYaml(text, "typed");
  } catch (error) {
    if (error instanceof YamlFault) return error.message;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("YAML", () => {
  test("has values with types, or as they are written", () => {
    const text = "a: 0123\nb: yes\nc: ~\nd: [1, true]\ne: 'x'";

    expect(parseYaml(text, "typed")).toEqual({ a: 123, b: "yes", c: null, d: [1, true], e: "x" });
    expect(parseYaml(text, "text")).toEqual({
      a: "0123",
      b: "yes",
      c: "~",
      d: ["1", "true"],
      e: "x",
    });
  });

  test.each(["", "# nothing", "---\n", "\u{feff}"])("of nothing is null: %p", (text) => {
    expect(parseYaml(text, "typed")).toBeNull();
  });

  test("has anchors and merged maps", () => {
    const text = "a: &x { b: 1, c: 2 }\nd:\n  <<: *x\n  c: 3";

    expect(parseYaml(text, "typed")).toMatchObject({ d: { b: 1, c: 3 } });
  });

  test("keeps keys that every object inherits apart from what they are there", () => {
    const value = parseYaml("__proto__: { polluted: true }\nconstructor: 1", "typed") as object;

    expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
    expect("polluted" in {}).toBe(false);
  });
});

describe("YAML that could mean something else than it says is refused", () => {
  test.each([
    ["a key twice", "a: 1\nb: 2\na: 3", "line 3: the setting a stands twice"],
    [
      "a key twice, further in",
      "a:\n  b:\n    c: 1\n    c: 2",
      "line 4: the setting c stands twice",
    ],
    ["a key twice in a list", "a:\n  - b: 1\n    b: 2", "line 3: the setting b stands twice"],
    ["a key twice on one line", "a: { b: 1, b: 2 }", "line 1: the setting b stands twice"],
    ["a key twice, once in quotes", 'a: 1\n"a": 2', "line 2: the setting a stands twice"],
    ["a tab", "a:\n\tb: 1", "line 2: it is indented with a tab; use spaces"],
    ["a second document", "a: 1\n---\nb: 2", "line 2: it is not YAML of one document"],
    ["a key that is a map", "? { a: 1 }\n: 2", "line 1: a key is not a text"],
    ["an alias in itself", "a: &x { b: { c: *x } }", "an alias contains itself"],
    ["an alias of nothing", "a: *x", "an alias (*…) names no anchor"],
    ["a tag of its own", "a: !secret x", "line 1: tags (!…) are not understood"],
    ["a tag of YAML", "a: !!binary SGVsbG8=", "line 1: tags (!…) are not understood"],
    ["an open bracket", "a: [", "line 1: it is not YAML"],
    ["an open quote", 'a: 1\nb: "x', "it is not YAML"],
  ])("%s", (_, text, message) => {
    expect(fault(text)).toContain(message);
  });

  test("aliases that grow without end", () => {
    const grown = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (const [one, before] of ["ba", "cb", "dc", "ed", "fe"]) {
      const nine = Array.from({ length: 9 }, () => `*${before}`);
      grown.push(`${one}: &${one} [${nine.join(",")}]`);
    }

    expect(fault(grown.join("\n"))).toContain("too many");
  });

  test.each([
    "password: *canary-7f3a",
    "password: !canary-7f3a",
    'password: "canary-7f3a',
    "password: [canary-7f3a",
    "password: {canary-7f3a",
    "password: @canary-7f3a",
    "password: `canary-7f3a",
    "password: a: canary-7f3a",
    "password: x\n canary-7f3a: y\n  z",
    "password: |canary-7f3a\n  x",
    "password: 'a'canary-7f3a",
    "%canary-7f3a\n---\na: 1",
  ])("and never repeated: %p", (text) => {
    let said = "";
    try {
      said = JSON.stringify(parseYaml(text, "text")).replaceAll("canary-7f3a", "");
    } catch (error) {
      if (!(error instanceof YamlFault)) throw error;
      said = error.message;
    }
    expect(said).not.toContain("canary");
  });
});
