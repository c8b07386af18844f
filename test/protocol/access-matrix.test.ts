import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ROUTES } from "../../src/http/routes.ts";
import { type Seed, type TestGate, as, passwordOf, seed, testGate } from "./support/access.ts";
import {
  MATRIX,
  NOTHING,
  type MatrixEntry,
  type Rights,
  expected,
} from "./support/access-matrix.ts";
import type { Answer } from "./support/http.ts";
import { type TestRegistry, startRegistry } from "./support/registry.ts";

/**
 * The authorization matrix: every route, for every role, every state of a repository and every form of
 * the credential, against a model that does not know the program.
 */
setDefaultTimeout(120_000);

const ROLES: Readonly<Record<string, Rights>> = {
  nothing: [],
  pull: ["pull"],
  push: ["push"],
  delete: ["delete"],
  "pull-push": ["pull", "push"],
  "pull-delete": ["pull", "delete"],
  "push-delete": ["push", "delete"],
  administer: ["administer"],
  everything: ["pull", "push", "delete", "administer"],
};
/** Rights that no repository is asked for. */
const OTHERS = ["elsewhere"];
const SEEDER = "seeder";

const rules = [
  ...Object.entries(ROLES)
    .filter(([, allow]) => allow.length > 0)
    .map(([user, allow]) => ({ repositories: ["**"], users: [user], groups: [], allow })),
  {
    repositories: ["other/**"],
    users: ["elsewhere"],
    groups: [],
    allow: ["pull", "push"] as const,
  },
  { repositories: ["**"], users: [SEEDER], groups: [], allow: ["pull", "push", "delete"] as const },
];

const STATES = [
  { state: "a private repository", name: "private/here", exists: true, isPublic: false },
  {
    state: "a private repository that is not there",
    name: "private/gone",
    exists: false,
    isPublic: false,
  },
  { state: "a public repository", name: "public/here", exists: true, isPublic: true },
  {
    state: "a public repository that is not there",
    name: "public/gone",
    exists: false,
    isPublic: true,
  },
] as const;

let gate: TestGate;
let registry: TestRegistry;
beforeAll(async () => {
  const users = [...Object.keys(ROLES), ...OTHERS, SEEDER, "removed"];
  gate = await testGate(users, { anonymousPull: ["public/**"], rules });
  // A proxy's word for where a request comes from lets each wrong password come from somewhere else.
  registry = await startRegistry({ gate, trustedProxies: ["127.0.0.1"] });
  // He was known, and is not any more.
  expect((await registry.ask("GET", "/v2/", { headers: as("removed") })).status).toBe(200);
  await gate.setUsers(users.filter((name) => name !== "removed"));
});
afterAll(async () => await registry[Symbol.asyncDispose]());

let made = 0;

type State = (typeof STATES)[number];
type Prepared = Promise<{ readonly fresh: string; readonly content: Seed }>;
const shared = new Map<State, Prepared>();

/** A repository in one of the states; one of its own for a request that would change it. */
async function prepared(where: State, one?: MatrixEntry): Prepared {
  const changes = one === undefined || !/^(?:GET|HEAD) |\{id\}$/.test(one.route);
  const make = async (): Prepared => {
    const fresh = `${where.name}/r${++made}`;
    return { fresh, content: where.exists ? await seed(registry, fresh, SEEDER) : NOTHING };
  };
  if (changes) return await make();
  const known = shared.get(where) ?? make();
  shared.set(where, known);
  return await known;
}

async function answerTo(
  one: MatrixEntry,
  name: string,
  content: Seed,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const { method, path, asked } = one.request(name, content);
  return await registry.ask(method, path, { ...asked, headers: { ...asked?.headers, ...headers } });
}

function said({ status, errors }: Answer): string {
  return [status, ...errors.map(({ code }) => code)].join(" ");
}

/** The answer to a HEAD has no body that could name the error. */
function asHead(entry: MatrixEntry, answer: string): string {
  return entry.route.startsWith("HEAD") ? answer.slice(0, 3) : answer;
}

test("every route has an entry, and every entry a route", () => {
  const routes = new Set(ROUTES.map(({ method, pattern }) => `${method} ${pattern}`));
  expect(new Set(MATRIX.map(({ route }) => route))).toEqual(routes);
});

describe.each(STATES)("$state", (where) => {
  const cases = [...Object.entries(ROLES), ...OTHERS.map((role) => [role, []] as const)];
  describe.each(cases)("for one who may: %s", (role, own) => {
    test.each(MATRIX)("$route", async (one) => {
      const { fresh, content } = await prepared(where, one);
      const rights: Rights = where.isPublic ? [...own, "pull"] : own;

      const answer = await answerTo(one, fresh, content, as(role));

      expect(said(answer)).toBe(asHead(one, expected(one, rights, "user", where.exists)));
      expect(answer.headers.has("www-authenticate")).toBe(false);
    });
  });

  describe("for nobody in particular", () => {
    test.each(MATRIX)("$route", async (one) => {
      const { fresh, content } = await prepared(where, one);
      const rights: Rights = where.isPublic ? ["pull"] : [];

      const answer = await answerTo(one, fresh, content, {});

      const wanted = expected(one, rights, "nobody", where.exists);
      expect(said(answer)).toBe(asHead(one, wanted));
      const challenge = wanted.startsWith("401") ? 'Basic realm="tests"' : null;
      expect(answer.headers.get("www-authenticate")).toBe(challenge);
    });
  });

  const encoded = (text: string | Uint8Array): string => Buffer.from(text).toString("base64");
  const good = encoded(`everything:${passwordOf("everything")}`);
  const WRONG: Readonly<Record<string, string>> = {
    "of a removed user": as("removed")["authorization"] ?? "",
    "with a wrong password": as("everything", "wrong")["authorization"] ?? "",
    "of an unknown user": as("unknown", passwordOf("everything"))["authorization"] ?? "",
    "without a password": `Basic ${encoded("everything:")}`,
    "without a user": `Basic ${encoded(`:${passwordOf("everything")}`)}`,
    "without a colon": `Basic ${encoded("everything")}`,
    "with a NUL": `Basic ${encoded(`everything:${passwordOf("everything")}\0`)}`,
    "not in UTF-8": `Basic ${encoded(new Uint8Array([0xff, 0x3a, 0x61]))}`,
    "not in base64": "Basic ***",
    "in base64 for URLs": `Basic ${encoded("everything:?>?>?>").replaceAll("/", "_")}-_`,
    "given twice": `Basic ${good}, Basic ${good}`,
    "with something behind it": `Basic ${good} ${good}`,
    "as a token": `Bearer ${good}`,
    "of no scheme": good,
    "of a scheme alone": "Basic",
    "in another scheme": `Negotiate ${good}`,
  };
  describe.each(Object.entries(WRONG))("for credentials %s", (_, authorization) => {
    test("nothing is open", async () => {
      const { fresh, content } = await prepared(where);
      for (const one of MATRIX) {
        const headers = { authorization, "x-forwarded-for": `10.1.${++made >> 8}.${made % 256}` };
        const answer = await answerTo(one, fresh, content, headers);
        const wanted = expected(one, [], "wrong", where.exists);
        expect([one.route, said(answer)]).toEqual([one.route, asHead(one, wanted)]);
        const challenge = wanted.startsWith("401") ? 'Basic realm="tests"' : null;
        expect(answer.headers.get("www-authenticate")).toBe(challenge);
      }
    });
  });

  const RIGHT: Readonly<Record<string, string>> = {
    "as usual": `Basic ${good}`,
    "with the scheme in small letters": `basic ${good}`,
    "with more spaces": `Basic   ${good}`,
  };
  describe.each(Object.entries(RIGHT))("for right credentials %s", (_, authorization) => {
    test("all is open that should be", async () => {
      for (const one of MATRIX) {
        const { fresh, content } = await prepared(where, one);
        const answer = await answerTo(one, fresh, content, { authorization });
        const wanted = expected(one, ROLES["everything"] ?? [], "user", where.exists);
        expect([one.route, said(answer)]).toEqual([one.route, asHead(one, wanted)]);
      }
    });
  });
});
