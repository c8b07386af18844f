import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { explore } from "./explore.ts";
import { PROTOCOL, type Protocol, without } from "./protocol.ts";
import { type State, forgottenLayer } from "./state.ts";

setDefaultTimeout(120_000);

/** Who is about while the layer is collected, and what else may happen. */
const COURSES: readonly [name: string, clients: readonly string[], left: Partial<State["left"]>][] =
  [
    ["nobody, and two crashes", [], { crashes: 2, runs: 2 }],
    ["a push of it, and two crashes", ["push a"], { crashes: 2, runs: 2 }],
    ["pushes to two repositories", ["push a", "push b"], {}],
    ["a small push, a HEAD and a delete", ["push small a", "head a", "delete a"], {}],
    ["a HEAD, and a push to another repository", ["head a", "push small b"], {}],
    ["a mount and a delete of its source", ["mount b", "delete a"], { runs: 2 }],
    ["a push, a mount and a purge", ["push a", "mount b", "purge"], { crashes: 0, runs: 2 }],
    ["a manifest of the same bytes that comes and goes", ["put own", "delete own"], { runs: 2 }],
    ["a manifest of the same bytes, and a push", ["put own", "push b"], {}],
    ["a restore, a purge and a push", ["restore a", "purge", "push b"], { ticks: 0 }],
    ["a restore, and two crashes", ["restore a"], { crashes: 2, runs: 2 }],
  ];

describe("in every order of steps, with a kill or a power cut before any of them", () => {
  for (const [name, clients, left] of COURSES) {
    test(`collecting keeps all promises and leaves nothing, with ${name}`, () => {
      const { states, broken } = explore(forgottenLayer(clients, left), PROTOCOL);
      expect(broken).toBeNull();
      expect(states).toBeGreaterThan(100);
    });
  }
});

describe("the model can fail: without a rule something is lost, or left", () => {
  type Rule = keyof Protocol;
  const needed: readonly [
    rules: readonly Rule[],
    clients: readonly string[],
    promise: RegExp,
    left?: Partial<State["left"]>,
  ][] = [
    [["custody"], ["push a"], /its bytes are gone/],
    [["claimsExcludePushes"], ["push a"], /its bytes are gone/],
    [["claimsSpareJournal"], ["push small a", "delete a"], /the file is left/],
    [["drain", "claimsSpareJournal"], [], /the tree names bytes that are gone/],
    [["findsStrangers"], ["push a"], /the file is left/],
    [["syncBeforeSettling", "findsStrangers"], [], /the file is left/],
    [["oneName", "findsStrangers"], [], /the file is left/],
    [["sweepsTrash"], ["purge"], /no row knows it/],
    [["seesBeforeAnswering"], ["head a"], /it is not linked/],
    [["grace"], ["head a"], /it is not linked/],
    [["restoresOver"], ["restore a", "push b"], /lacks bytes that are needed/],
  ];
  for (const [rules, clients, promise, left] of needed) {
    test(`${rules.join(" and ")}, with ${clients.join(" and ") || "nobody"}`, () => {
      const { broken } = explore(forgottenLayer(clients, left ?? {}), without(...rules));
      expect(broken?.promise).toMatch(promise);
      expect(broken?.steps).not.toBeEmpty();
    });
  }

  test("a push between a claim and the moment when its outcome is known loses its bytes for ever", () => {
    const begin = forgottenLayer(["push a"], { crashes: 0 });
    const { broken } = explore(begin, without("claimsExcludePushes"), "in the end");
    expect(broken?.promise).toMatch(/lacks bytes that are needed/);
    expect(broken?.steps).toContain("push a: rename the bytes into place");
  });

  test("without any custody what returns must stay claimed, and claims must end before the journal is replayed", () => {
    for (const rule of ["claimedUntilBack", "claimsBeforeJournal"] as const) {
      const { broken } = explore(
        forgottenLayer(["push a"], {}),
        without("custody", rule),
        "in the end",
      );
      expect(broken?.promise).toMatch(/needed/);
    }
  });
});
