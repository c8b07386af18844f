import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { TokenWish } from "../../src/auth/access-token.ts";
import { type Seed, seed } from "./support/access.ts";
import {
  MATRIX,
  NOTHING,
  type MatrixEntry,
  type Rights,
  expected,
} from "./support/access-matrix.ts";
import type { Answer } from "./support/http.ts";
import { basic, bearer, issuingGate, type IssuingGate } from "./support/issuing.ts";
import { type TestRegistry, startRegistry } from "./support/registry.ts";

/**
 * The authorization matrix once more, for tokens: every route, every set of actions that a token may be
 * for, every form in which it may come. Its owner may do everything, so all that is refused the token refuses.
 */
setDefaultTimeout(120_000);

const ACTIONS = ["pull", "push", "delete"] as const;
/** All subsets. */
const SETS: readonly Rights[] = Array.from({ length: 8 }, (_, bits) =>
  ACTIONS.filter((_action, at) => bits & (1 << at)),
);
const OWNER = basic("owner", "owner's");

let gate: IssuingGate;
let registry: TestRegistry;
beforeAll(async () => {
  gate = await issuingGate({ issuer: { service: "tests" } });
  await gate.setUsers({ owner: "owner's", seeder: "seeder's:password" });
  registry = await startRegistry({ gate: gate.gate });
  // From here on the users are read.
  expect((await registry.ask("GET", "/v2/", { headers: OWNER })).status).toBe(200);
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await gate[Symbol.asyncDispose]();
});

let made = 0;

async function prepared(exists: boolean): Promise<{ fresh: string; content: Seed }> {
  const fresh = `matrix/r${++made}`;
  return { fresh, content: exists ? await seed(registry, fresh, "seeder") : NOTHING };
}

async function said(
  one: MatrixEntry,
  name: string,
  content: Seed,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const { method, path, asked } = one.request(name, content);
  const answer: Answer = await registry.ask(method, path, {
    ...asked,
    headers: { ...asked?.headers, ...headers },
  });
  return [answer.status, ...answer.errors.map(({ code }) => code)].join(" ");
}

async function issued(
  headers: Readonly<Record<string, string>>,
  scope: string,
): Promise<Readonly<Record<string, string>>> {
  const query = new URLSearchParams({ service: "tests", scope });
  const { text } = await registry.ask("GET", `/token?${query.toString()}`, { headers });
  return bearer((JSON.parse(text) as { token: string }).token);
}

/** The same rights on one repository, in each form that they can have. */
const FORMS: Readonly<
  Record<string, (name: string, actions: Rights) => Promise<Readonly<Record<string, string>>>>
> = {
  "an access token as a password": async (name, actions) =>
    basic("owner", await access(name, actions)),
  "an access token as Bearer": async (name, actions) => bearer(await access(name, actions)),
  "a token issued for a password": async (name, actions) =>
    await issued(OWNER, `repository:${name}:${actions.join(",")}`),
  "a token issued for an access token": async (name, actions) =>
    await issued(basic("owner", await access(name, actions)), `repository:${name}:*`),
};

/** One that may do nothing there may do so elsewhere: a token for nothing cannot be made. */
async function access(name: string, actions: Rights): Promise<string> {
  const wish: Partial<TokenWish> =
    actions.length > 0
      ? { actions: [...actions], repositories: [name] }
      : { actions: ["pull", "push", "delete"], repositories: ["elsewhere/**"] };
  return await gate.accessToken({ user: "owner", ...wish });
}

/** Where the server issues tokens, these two are there. */
const ROUTES = MATRIX.filter(({ route }) => !route.endsWith("/token"));

/** A token that was issued is for one thing: for all others the answer is to ask for another one. */
function expectedOf(one: MatrixEntry, actions: Rights, limited: boolean, exists: boolean): string {
  const usual = expected(one, actions, "user", exists);
  if (!limited || ["nothing", "known"].includes(one.needs)) return usual;
  if (one.needs === "catalog") return "401 UNAUTHORIZED";
  const granted = (actions as readonly string[]).includes(one.needs);
  return granted ? usual : "401 UNAUTHORIZED";
}

for (const [form, make] of Object.entries(FORMS)) {
  describe.each([true, false])(`${form}, of a repository that is there: %p`, (exists) => {
    test.each(SETS.map((actions) => [actions.join(" ") || "nothing", actions] as const))(
      "for %s",
      async (_, actions) => {
        const shared = await prepared(exists);
        for (const one of ROUTES) {
          const wanted = expectedOf(one, actions, form.includes("issued"), exists);
          const [method = ""] = one.route.split(" ");
          // What is refused, or only reads, leaves all as it is for the next.
          const reads = method === "GET" || method === "HEAD" || wanted.startsWith("4");
          const { fresh, content } = reads ? shared : await prepared(exists);
          const headers = await make(fresh, actions);
          expect([one.route, await said(one, fresh, content, headers)]).toEqual([
            one.route,
            method === "HEAD" ? wanted.slice(0, 3) : wanted,
          ]);
        }
      },
    );
  });
}
