import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/support/failure.ts";
import { type Action, ANYBODY, type Caller, NOBODY } from "../auth/caller.ts";
import type { Gate } from "../auth/gate.ts";
import { RegistryError } from "../oci/errors.ts";
import { admit, scopeOf, withChallenge } from "./guard.ts";
import { type Match, type Permission, match } from "./routes.ts";

function caller(
  name: string | null,
  actions: readonly Action[],
  more: Partial<Caller> = {},
): Caller {
  const may = (action: Action): boolean => actions.includes(action);
  return { name, may, mayEverywhere: may, ...more };
}

function demanding(permission: string, name = "team/app"): Match {
  const handler = async () => await Promise.resolve(new Response());
  const demand = { permission: permission as Permission, writes: false };
  return { route: { method: "GET", pattern: "/", ...demand, handler }, parameters: { name } };
}

const EVERYTHING: readonly Action[] = ["pull", "push", "delete", "administer"];

async function outcome(permission: string, who: Caller, asks = true, name?: string) {
  const work = Promise.resolve().then(() => admit(demanding(permission, name), who, asks));
  return await work.catch(async () => (await failureOf(work)).kind);
}

describe("a permission that nobody has thought of", () => {
  test.each(["", "write", "PULL", "constructor"])("is nobody's: %p", async (permission) => {
    expect(await outcome(permission, caller("ann", EVERYTHING))).toBe("DENIED");
    expect(await outcome(permission, ANYBODY, false)).toBe("DENIED");
    expect(await outcome(permission, NOBODY)).toBe("UNAUTHORIZED");
  });
});

test("a right of one kind is none of another", async () => {
  for (const permission of EVERYTHING) {
    for (const own of EVERYTHING) {
      const granted = (await outcome(permission, caller("ann", [own]))) === "granted";
      expect([permission, own, granted]).toEqual([permission, own, permission === own]);
    }
  }
});

test("where nobody is asked who he is, anybody may do everything", async () => {
  for (const permission of ["none", "known", "catalog", ...EVERYTHING]) {
    expect(await outcome(permission, ANYBODY, false)).toBe("granted");
  }
});

test("to administer is to do so everywhere", async () => {
  const here = caller("ann", [], { may: () => true });
  expect(await outcome("administer", here)).toBe("DENIED");
});

test("who came with a token for less is asked for another one", async () => {
  const limited = caller("ann", ["pull"], { limited: true });
  expect(await outcome("pull", limited)).toBe("granted");
  expect(await outcome("push", limited)).toBe("UNAUTHORIZED");
  expect(await outcome("delete", limited)).toBe("UNAUTHORIZED");
});

test("what is no name is nobody's repository, and hidden from all", async () => {
  for (const name of ["../x", "A", 'a" x="', ""]) {
    expect(await outcome("pull", ANYBODY, false, name)).toBe("hidden");
    expect(await outcome("push", caller("ann", EVERYTHING), true, name)).toBe("hidden");
    expect(await outcome("pull", NOBODY, true, name)).toBe("UNAUTHORIZED");
  }
});

test.each([
  ["GET", "/v2/team/app/manifests/v1", "repository:team/app:pull"],
  ["HEAD", "/v2/team/app/blobs/sha256:x", "repository:team/app:pull"],
  ["PUT", "/v2/team/app/manifests/v1", "repository:team/app:pull,push"],
  ["POST", "/v2/team/app/blobs/uploads/", "repository:team/app:pull,push"],
  ["DELETE", "/v2/team/app/manifests/v1", "repository:team/app:delete"],
  ["GET", "/v2/_catalog", "registry:catalog:*"],
  ["GET", "/v2/", null],
  ["GET", '/v2/a",b="c/manifests/v1', null],
])("%s %s needs a token for %p", (method, path, scope) => {
  expect(scopeOf(match(method, path))).toBe(scope);
});

describe("a refusal", () => {
  const gate: Gate = { identify: () => NOBODY, challenge: (scope) => `Test scope=${scope}` };
  const matched = match("GET", "/v2/team/app/manifests/v1");

  test("that asks for credentials says which", () => {
    const { headers } = withChallenge(new RegistryError("UNAUTHORIZED"), matched, gate);
    expect(headers).toEqual({
      "www-authenticate": "Test scope=repository:team/app:pull",
      "cache-control": "no-store",
    });
  });

  test("that says so itself is left as it is, and so is any other", () => {
    const own = new RegistryError("UNAUTHORIZED", {}, { headers: { "www-authenticate": "X" } });
    const other = new RegistryError("DENIED");
    expect(withChallenge(own, matched, gate)).toBe(own);
    expect(withChallenge(other, matched, gate)).toBe(other);
  });
});
