import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/support/failure.ts";
import { parseName } from "../oci/name.ts";
import type { Caller } from "./caller.ts";
import type { Users } from "./htpasswd.ts";
import { passwordGate } from "./password-gate.ts";
import { hashPassword } from "./passwords.ts";
import { compileRules } from "./rules.ts";

const HERE = "192.0.2.1";
const hash = async (password: string): Promise<string> =>
  await hashPassword(new TextEncoder().encode(password), 4);
const [ANNS, BOBS] = [await hash("anns password"), await hash("pass:wörd")];

function basic(name: string, password: string | Uint8Array): Headers {
  const both = Buffer.concat([Buffer.from(`${name}:`), Buffer.from(password)]);
  return new Headers({ authorization: `Basic ${both.toString("base64")}` });
}

function given(hashes: Readonly<Record<string, string>> = { ann: ANNS, bob: BOBS }) {
  let users: Users = { hashes: new Map(Object.entries(hashes)), problems: [], torn: false };
  let now = 0;
  const rules = compileRules({ anonymousPull: ["public/**"], groups: {} });
  const gate = passwordGate({
    realm: 'The "best" one',
    rules,
    source: { users: () => users },
    now: () => now,
  });
  const asks = async (headers: Headers, address = HERE): Promise<Caller> =>
    await gate.identify(headers, { address });
  return {
    gate,
    asks,
    fails: async (headers: Headers, address = HERE) => await failureOf(asks(headers, address)),
    change: (next: Readonly<Record<string, string>>): void => {
      users = { hashes: new Map(Object.entries(next)), problems: [], torn: false };
    },
    pass: (milliseconds: number) => void (now += milliseconds),
  };
}

describe("a right password", () => {
  test("says who the caller is", async () => {
    const { asks } = given();
    expect((await asks(basic("ann", "anns password"))).name).toBe("ann");
    expect((await asks(basic("bob", "pass:wörd"))).name).toBe("bob");
  });

  test("is known from then on, at once", async () => {
    const { gate, asks } = given();
    const headers = basic("ann", "anns password");
    expect(gate.identify(headers, { address: HERE })).toBeInstanceOf(Promise);
    const caller = await asks(headers);
    expect(gate.identify(headers, { address: "another address" })).toBe(caller);
  });

  test("is worth nothing when the file has another hash, or the user is gone", async () => {
    const { asks, fails, change } = given();
    await asks(basic("ann", "anns password"));
    change({ ann: await hash("another") });
    expect((await fails(basic("ann", "anns password"))).kind).toBe("UNAUTHORIZED");
    expect((await asks(basic("ann", "another"))).name).toBe("ann");
    change({ bob: BOBS });
    expect((await fails(basic("ann", "another"))).kind).toBe("UNAUTHORIZED");
    change({ ann: ANNS });
    expect((await asks(basic("ann", "anns password"))).name).toBe("ann");
  });

  test("that comes with many requests at once lets all of them in", async () => {
    const { asks } = given();
    const all = Array.from({ length: 50 }, async () => await asks(basic("ann", "anns password")));
    expect(new Set(await Promise.all(all)).size).toBe(1);
  });
});

describe("refused as wrong is", () => {
  test("a wrong password, an unknown user and an empty password: in the same words", async () => {
    const { fails } = given();
    const answers = await Promise.all([
      fails(basic("ann", "wrong")),
      fails(basic("nobody", "anns password")),
      fails(basic("ann", "")),
      fails(basic("", "x")),
      fails(basic("ann", "anns password\0")),
      fails(basic("ANN", "anns password")),
      fails(basic("ann ", "anns password")),
    ]);
    for (const { kind, message, detail, headers } of answers) {
      expect({ kind, message, detail, headers }).toEqual({
        kind: "UNAUTHORIZED",
        message: "authentication required",
        detail: {},
        headers: {},
      });
    }
  });

  test("an unknown user after as much work as a known one with a wrong password", async () => {
    const ann = await hashPassword(new TextEncoder().encode("anns password"), 11);
    const spent = async (name: string): Promise<number> => {
      const times: number[] = [];
      for (let at = 0; at < 3; at++) {
        const { fails } = given({ ann });
        const began = performance.now();
        await fails(basic(name, "wrong"));
        times.push(performance.now() - began);
      }
      return Math.min(...times);
    };
    // Not how fast it is, but that nothing is left out, which would be a thousandth.
    expect(await spent("nobody")).toBeGreaterThan((await spent("ann")) / 10);
  });

  test("somebody else's password for a name that is nobody's", async () => {
    const { fails } = given({ ann: ANNS });
    for (let at = 0; at < 5; at++) {
      expect((await fails(basic(`nobody${at}`, "anns password"))).kind).toBe("UNAUTHORIZED");
    }
  });

  test("everybody, when there are no users", async () => {
    const { fails } = given({});
    expect((await fails(basic("ann", "anns password"))).kind).toBe("UNAUTHORIZED");
  });

  const good = Buffer.from("ann:anns password").toString("base64");
  test.each([
    ["another scheme", `Bearer ${good}`],
    ["two in one", `Basic ${good}, Basic ${good}`],
    ["no base64", "Basic %%%"],
    ["nothing", "Basic "],
    ["only the scheme", "Basic"],
    ["no colon", `Basic ${Buffer.from("ann").toString("base64")}`],
    ["a user that is not UTF-8", `Basic ${Buffer.from([0xff, 0x3a, 0x61]).toString("base64")}`],
    ["a mebibyte", `Basic ${"A".repeat(1024 * 1024)}`],
  ])("a header that is %s", async (_, authorization) => {
    const error = await given().fails(new Headers({ authorization }));
    expect(error.kind).toBe("UNAUTHORIZED");
    expect(JSON.stringify([error.message, error.detail])).not.toContain("anns");
  });
});

describe("nobody in particular is", () => {
  test("who sends no credentials, or empty ones as skopeo does", async () => {
    const { asks, gate } = given();
    for (const headers of [new Headers(), basic("", "")]) {
      const caller = await asks(headers);
      expect(caller.name).toBeNull();
      expect(caller.may("pull", parseName("public/a"))).toBe(true);
      expect(caller.may("pull", parseName("a"))).toBe(false);
    }
    expect(gate.challenge(null)).toBe('Basic realm="The \\"best\\" one"');
  });
});

describe("who guesses", () => {
  test("has to wait after five wrong passwords, and is told how long", async () => {
    const { fails, asks, pass } = given();
    for (let at = 0; at < 5; at++) await fails(basic("ann", `wrong ${at}`));
    const refused = await fails(basic("ann", "anns password"));
    expect(refused.kind).toBe("TOO_MANY_REQUESTS");
    expect(refused.headers).toEqual({ "retry-after": "1" });
    pass(1001);
    expect((await asks(basic("ann", "anns password"))).name).toBe("ann");
  });

  test("does not keep the user out, elsewhere or where he is known", async () => {
    const { fails, asks } = given();
    await asks(basic("ann", "anns password"));
    for (let at = 0; at < 9; at++) await fails(basic("ann", `wrong ${at}`));
    expect((await asks(basic("ann", "anns password"))).name).toBe("ann");
    expect((await asks(basic("bob", "pass:wörd"), "192.0.2.2")).name).toBe("bob");
  });

  test("a hundred passwords at once has five of them checked", async () => {
    const { fails } = given();
    const kinds = await Promise.all(
      Array.from({ length: 100 }, async (_, at) => (await fails(basic("ann", `wrong ${at}`))).kind),
    );
    const wrong = kinds.filter((kind) => kind === "UNAUTHORIZED").length;
    expect(wrong).toBeGreaterThanOrEqual(5);
    expect(wrong).toBeLessThanOrEqual(5 + 4);
    expect(kinds.filter((kind) => kind === "TOO_MANY_REQUESTS").length).toBe(100 - wrong);
  });

  test("with one password a hundred times at once has it checked once", async () => {
    const { fails } = given();
    const same = async () => (await fails(basic("ann", "wrong"))).kind;
    const kinds = await Promise.all(Array.from({ length: 100 }, same));
    expect(new Set(kinds)).toEqual(new Set(["UNAUTHORIZED"]));
  });

  test("a thousand at once cannot even wait, and others still get in", async () => {
    const { asks, fails } = given();
    const flood = Array.from(
      { length: 1000 },
      async (_, at) => (await fails(basic(`user${at}`, "wrong"))).kind,
    );
    const other = asks(basic("bob", "pass:wörd"), "192.0.2.2");
    expect((await other).name).toBe("bob");
    expect(new Set(await Promise.all(flood))).toEqual(
      new Set(["UNAUTHORIZED", "TOO_MANY_REQUESTS"]),
    );
  });
});
