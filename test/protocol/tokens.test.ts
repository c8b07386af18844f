import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { decodeJwt } from "jose";
import { eventually } from "../support/eventually.ts";
import { image } from "../support/image.ts";
import { type Answer } from "./support/http.ts";
import {
  basic,
  bearer,
  issuingGate,
  type IssuingGate,
  type TokenAnswer,
} from "./support/issuing.ts";
import { startRegistry, type TestRegistry } from "./support/registry.ts";

setDefaultTimeout(60_000);

const USERS = { ann: "ann's", bob: "bob's", root: "root's" };

let gate: IssuingGate;
let registry: TestRegistry;

beforeAll(async () => {
  gate = await issuingGate({
    issuer: { service: "tests" },
    anonymousPull: ["public/**"],
    rules: [
      { repositories: ["team/**", "public/**"], users: ["ann"], allow: ["pull", "push", "delete"] },
      { repositories: ["team/**"], users: ["bob"], allow: ["pull"] },
      { repositories: ["**"], users: ["root"], allow: ["pull", "administer"] },
    ],
  });
  await gate.setUsers(USERS);
  registry = await startRegistry({ gate: gate.gate });
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await gate[Symbol.asyncDispose]();
});

const form = { "content-type": "application/x-www-form-urlencoded" };
const ann = basic("ann", "ann's");

function answerOf({ text }: Answer): TokenAnswer {
  return JSON.parse(text) as TokenAnswer;
}

async function tokenFor(
  headers: Readonly<Record<string, string>>,
  ...scopes: string[]
): Promise<TokenAnswer> {
  const query = new URLSearchParams({ service: "tests" });
  for (const scope of scopes) query.append("scope", scope);
  const answer = await registry.ask("GET", `/token?${query.toString()}`, { headers });
  expect(answer.status).toBe(200);
  return answerOf(answer);
}

function post(fields: Readonly<Record<string, string>>): Promise<Answer> {
  const body = new URLSearchParams(fields).toString();
  return registry.ask("POST", "/token", { headers: form, body });
}

describe("the way of a client", () => {
  test("a refusal says where to get a token, and for what; with that token it is none", async () => {
    const refused = await registry.ask("GET", "/v2/team/app/tags/list");
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe(
      `Bearer realm="${registry.url}/token",service="tests",scope="repository:team/app:pull"`,
    );
    expect(refused.headers.get("cache-control")).toBe("no-store");
    const { token } = await tokenFor(ann, "repository:team/app:pull");
    const granted = await registry.ask("GET", "/v2/team/app/tags/list", { headers: bearer(token) });
    expect([granted.status, granted.errors[0]?.code]).toEqual([404, "NAME_UNKNOWN"]);
  });

  test("each route asks for what it needs", async () => {
    const scope = async (method: string, path: string): Promise<string | undefined> => {
      const { status, headers } = await registry.ask(method, path);
      expect(status).toBe(401);
      return /scope="([^"]*)"/.exec(headers.get("www-authenticate") ?? "")?.[1];
    };
    expect(await scope("GET", "/v2/")).toBeUndefined();
    expect(await scope("GET", "/v2/_catalog")).toBe("registry:catalog:*");
    expect(await scope("HEAD", "/v2/a/b/manifests/1")).toBe("repository:a/b:pull");
    expect(await scope("PUT", "/v2/a/b/manifests/1")).toBe("repository:a/b:pull,push");
    expect(await scope("DELETE", "/v2/a/b/manifests/1")).toBe("repository:a/b:delete");
    expect(await scope("GET", "/api/v1/tags/a/b")).toBe("repository:a/b:pull");
    // What is no name does not stand in a header.
    expect(await scope("GET", '/v2/a"b/tags/list')).toBeUndefined();
  });

  test("a token for less is asked for more, in the words of RFC 6750", async () => {
    const { token } = await tokenFor(ann, "repository:team/app:pull");
    const refused = await registry.ask("POST", "/v2/team/app/blobs/uploads/", {
      headers: bearer(token),
    });
    expect(refused.status).toBe(401);
    const challenge = refused.headers.get("www-authenticate");
    expect(challenge).toContain('scope="repository:team/app:pull,push"');
    expect(challenge).toContain('error="insufficient_scope"');
  });

  test("a token that is none is called so", async () => {
    const refused = await registry.ask("GET", "/v2/", { headers: bearer("a.b.c") });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toContain('error="invalid_token"');
  });

  test("to log in is to get a token for nothing, and to be known with it", async () => {
    const { token } = await tokenFor(ann);
    expect((await registry.ask("GET", "/v2/", { headers: bearer(token) })).status).toBe(200);
    expect((await registry.ask("GET", "/v2/", { headers: ann })).status).toBe(200);
    expect((await registry.ask("GET", "/v2/")).status).toBe(401);
  });

  test("an image is pushed and pulled with tokens for just that", async () => {
    const one = image();
    const push = await tokenFor(ann, "repository:team/pushed:pull,push");
    for (const { bytes, descriptor } of one.blobs) {
      const begun = await registry.ask("POST", "/v2/team/pushed/blobs/uploads/", {
        headers: bearer(push.token),
      });
      expect(begun.status).toBe(202);
      const path = `${begun.headers.get("location")}?digest=${descriptor.digest}`;
      expect(
        (await registry.ask("PUT", path, { headers: bearer(push.token), body: bytes })).status,
      ).toBe(201);
    }
    const headers = { ...bearer(push.token), "content-type": one.mediaType };
    const put = await registry.ask("PUT", "/v2/team/pushed/manifests/1", {
      headers,
      body: one.bytes,
    });
    expect(put.status).toBe(201);
    const pull = await tokenFor(basic("bob", "bob's"), "repository:team/pushed:pull,push,delete");
    expect(pull.scope).toBe("repository:team/pushed:pull");
    const at = "/v2/team/pushed/manifests/1";
    expect((await registry.ask("GET", at, { headers: bearer(pull.token) })).status).toBe(200);
    expect((await registry.ask("DELETE", at, { headers: bearer(pull.token) })).status).toBe(401);
    expect((await registry.ask("DELETE", at, { headers: bearer(push.token) })).status).toBe(401);

    const catalog = await tokenFor(basic("bob", "bob's"), "registry:catalog:*");
    const listed = await registry.ask("GET", "/v2/_catalog", { headers: bearer(catalog.token) });
    expect(listed.json().repositories).toEqual(["team/pushed"]);
    const hidden = await registry.ask("GET", "/v2/_catalog", { headers: bearer(pull.token) });
    expect(hidden.status).toBe(401);
  });
});

test("a layer is mounted from where the token may pull, whatever else its owner may", async () => {
  const { blobs } = image();
  const { bytes, descriptor } = blobs[0]!;
  const source = await tokenFor(ann, "repository:team/source:pull,push");
  const path = `/v2/team/source/blobs/uploads/?digest=${descriptor.digest}`;
  const headers = { ...bearer(source.token), "content-type": "application/octet-stream" };
  expect((await registry.ask("POST", path, { headers, body: bytes })).status).toBe(201);
  const mount = async (...scopes: string[]): Promise<number> => {
    const { token } = await tokenFor(ann, ...scopes);
    const query = `mount=${descriptor.digest}&from=team/source`;
    const at = `/v2/team/target/blobs/uploads/?${query}`;
    return (await registry.ask("POST", at, { headers: bearer(token) })).status;
  };
  const target = "repository:team/target:pull,push";
  expect(await mount(target)).toBe(202);
  expect(await mount(target, "repository:team/source:push")).toBe(202);
  expect(await mount(target, "repository:team/source:pull")).toBe(201);
});

describe("GET /token", () => {
  test("several scopes, repeated and in one, make one token", async () => {
    const { token, access_token, expires_in, issued_at, scope } = await tokenFor(
      ann,
      "repository:team/a:pull repository:team/b:push,pull",
      "repository:team/c:delete",
      "repository(plugin):team/a:push",
    );
    expect(scope).toBe(
      "repository:team/a:pull,push repository:team/b:pull,push repository:team/c:delete",
    );
    expect(access_token).toBe(token);
    expect(expires_in).toBe(300);
    expect(Math.abs(Date.parse(issued_at) - Date.now())).toBeLessThan(10_000);
  });

  test("what he may not have, or what there is none of, is left out", async () => {
    const { scope } = await tokenFor(
      ann,
      "repository:other:pull,push",
      "repository:*:*",
      "repository:host:5000/team/a:pull",
      "repository:team/app:pull,push,,administer",
      "nonsense",
    );
    expect(scope).toBe("repository:team/app:pull,push");
  });

  test("nobody gets a token for what is public, and is asked for a password otherwise", async () => {
    const { token, scope } = await tokenFor({}, "repository:public/app:pull,push");
    expect(scope).toBe("repository:public/app:pull");
    expect(decodeJwt(token).sub).toBe("");
    const may = await registry.ask("GET", "/v2/public/app/tags/list", { headers: bearer(token) });
    expect(may.status).toBe(404);
    const may2 = await registry.ask("GET", "/v2/team/app/tags/list", { headers: bearer(token) });
    expect(may2.status).toBe(401);
    for (const path of ["/token", "/token?service=tests&scope=repository:team/app:pull"]) {
      const refused = await registry.ask("GET", path);
      expect(refused.status).toBe(401);
      expect(refused.headers.get("www-authenticate")).toBe('Basic realm="Wharfinger"');
    }
  });

  test("a wrong password is wrong here too", async () => {
    const refused = await registry.ask("GET", "/token", { headers: basic("ann", "wrong") });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe('Basic realm="Wharfinger"');
  });

  test("a token is not exchanged for another", async () => {
    const { token } = await tokenFor(ann, "repository:team/app:pull");
    const refused = await registry.ask("GET", "/token?scope=repository:team/app:push", {
      headers: bearer(token),
    });
    expect(refused.status).toBe(401);
  });

  const refusals: readonly (readonly [string, string])[] = [
    ["another service", "service=elsewhere"],
    ["two services", "service=tests&service=tests"],
    [
      "too many scopes",
      Array.from({ length: 101 }, (_, n) => `scope=repository:a${n}:pull`).join("&"),
    ],
    [
      "too many scopes in one",
      `scope=${Array.from({ length: 101 }, () => "repository:a:pull").join("+")}`,
    ],
  ];
  for (const [what, query] of refusals) {
    test(`${what}: 400`, async () => {
      const refused = await registry.ask("GET", `/token?${query}`, { headers: ann });
      expect([refused.status, refused.errors[0]?.code]).toEqual([400, "UNSUPPORTED"]);
    });
  }

  test("what it answers is stored by nobody", async () => {
    const answer = await registry.ask("GET", "/token", { headers: ann });
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });
});

describe("POST /token", () => {
  const usual = { service: "tests", client_id: "tests", scope: "repository:team/app:pull,push" };
  const login = { ...usual, grant_type: "password", username: "ann", password: "ann's" };

  test("a password gets a token, and a refresh token when asked for", async () => {
    const online = answerOf(await post(login));
    expect([online.scope, online.refresh_token]).toEqual([usual.scope, undefined]);
    const offline = answerOf(await post({ ...login, access_type: "offline" }));
    const refreshed = answerOf(
      await post({
        ...usual,
        grant_type: "refresh_token",
        refresh_token: offline.refresh_token ?? "",
        scope: "repository:team/other:delete registry:catalog:*",
      }),
    );
    expect(refreshed.scope).toBe("repository:team/other:delete registry:catalog:*");
    expect(refreshed.refresh_token).toBe(offline.refresh_token);
    const path = "/v2/team/other/manifests/1";
    const gone = await registry.ask("DELETE", path, { headers: bearer(refreshed.token) });
    expect(gone.status).toBe(404);
  });

  test("GET gives a refresh token as well; as an access token it is worth nothing", async () => {
    const path = "/token?service=tests&client_id=docker&offline_token=true&account=ann";
    const { refresh_token } = answerOf(await registry.ask("GET", path, { headers: ann }));
    expect((await registry.ask("GET", "/v2/", { headers: bearer(refresh_token!) })).status).toBe(
      401,
    );
  });

  const refusals: readonly (readonly [string, number, Record<string, string>])[] = [
    ["a wrong password", 401, { ...login, password: "wrong" }],
    ["nobody's name", 401, { ...login, username: "nobody" }],
    [
      "a refresh token that is none",
      401,
      { ...usual, grant_type: "refresh_token", refresh_token: "x" },
    ],
    ["no grant type", 400, usual],
    ["another grant type", 400, { ...login, grant_type: "client_credentials" }],
    ["no password", 400, { ...usual, grant_type: "password", username: "ann" }],
    ["no user", 400, { ...usual, grant_type: "password", password: "ann's" }],
    ["no refresh token", 400, { ...usual, grant_type: "refresh_token" }],
    ["another service", 400, { ...login, service: "elsewhere" }],
    ["a field that is too long", 400, { ...login, username: "a".repeat(2000) }],
    ["a form that is too long", 400, { ...login, client_id: "a".repeat(70_000) }],
  ];
  for (const [what, status, fields] of refusals) {
    test(`${what}: ${status}`, async () => {
      expect((await post(fields)).status).toBe(status);
    });
  }

  test("what is no form: 400", async () => {
    const body = JSON.stringify(login);
    const headers = { "content-type": "application/json" };
    expect((await registry.ask("POST", "/token", { headers, body })).status).toBe(400);
    expect((await registry.ask("POST", "/token", { body: "" })).status).toBe(400);
  });
});

describe("an access token", () => {
  test("is taken as a password, as Bearer, and to get tokens with; nowhere else", async () => {
    const text = await gate.accessToken({ user: "ann", repositories: ["team/ci-*"] });
    const path = "/v2/team/ci-1/tags/list";
    const { token } = await tokenFor(basic("ann", text), "repository:team/ci-1:pull,push,delete");
    expect(decodeJwt(token)["access"]).toEqual([
      { type: "repository", name: "team/ci-1", actions: ["pull", "push"] },
    ]);
    for (const headers of [basic("ann", text), bearer(text), bearer(token)]) {
      expect((await registry.ask("GET", path, { headers })).status).toBe(404);
      expect((await registry.ask("GET", "/v2/", { headers })).status).toBe(200);
    }
    const elsewhere: Readonly<Record<string, string>>[] = [
      basic("bob", text),
      basic("", text),
      basic(text, ""),
      { cookie: `token=${text}` },
      { "x-registry-auth": text },
      { authorization: text },
      { authorization: `Token ${text}` },
      { authorization: `Bearer ${text}, Bearer ${text}` },
      { authorization: `Bearer  "${text}"` },
    ];
    for (const headers of elsewhere) {
      expect([headers, (await registry.ask("GET", path, { headers })).status]).toEqual([
        headers,
        401,
      ]);
    }
    for (const query of [`access_token=${text}`, `token=${text}`, `access_token=${token}`]) {
      expect((await registry.ask("GET", `${path}?${query}`)).status).toBe(401);
    }
  });

  test("is the same in each form: with a repository it is not for, there is nothing", async () => {
    const text = await gate.accessToken({
      user: "ann",
      repositories: ["team/ci-*"],
      actions: ["pull"],
    });
    for (const headers of [basic("ann", text), bearer(text)]) {
      const answers = [
        await registry.ask("GET", "/v2/team/pushed/tags/list", { headers }),
        await registry.ask("GET", "/v2/team/ci-none/tags/list", { headers }),
        await registry.ask("POST", "/v2/team/ci-1/blobs/uploads/", { headers }),
        await registry.ask("DELETE", "/v2/team/ci-1/manifests/1", { headers }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 403, 403]);
    }
  });

  test("when it is revoked, it and what was issued for it are dead within two seconds", async () => {
    const text = await gate.accessToken({ user: "ann" });
    const { token } = await tokenFor(basic("ann", text), "repository:team/app:pull");
    const forms = [basic("ann", text), bearer(text), bearer(token)];
    const statuses = (): Promise<number[]> =>
      Promise.all(
        forms.map(
          async (headers) =>
            (await registry.ask("GET", "/v2/team/app/tags/list", { headers })).status,
        ),
      );
    expect(await statuses()).toEqual([404, 404, 404]);
    const since = performance.now();
    await gate.revokeAll();
    await eventually(statuses, (seen) => seen.every((status) => status === 401));
    expect(performance.now() - since).toBeLessThan(2000);
  });
});

test("what administers takes a token made for that; one that was issued never does", async () => {
  const status = async (headers: Readonly<Record<string, string>>): Promise<number> =>
    (await registry.ask("GET", "/api/v1/check", { headers })).status;
  const root = basic("root", "root's");
  const everything = "repository:team/app:* registry:catalog:* repository:**:* registry:admin:*";
  const { token } = await tokenFor(root, everything);
  const made = await gate.accessToken({ user: "root", actions: ["pull", "administer"] });
  const issued = await tokenFor(basic("root", made), everything);
  const anothers = await gate.accessToken({ user: "ann", actions: ["administer"] });
  expect(await status(root)).toBe(200);
  expect([await status(basic("root", made)), await status(bearer(made))]).toEqual([200, 200]);
  expect([await status(bearer(token)), await status(bearer(issued.token))]).toEqual([401, 401]);
  expect(await status(bearer(await gate.accessToken({ user: "root" })))).toBe(403);
  expect(await status(bearer(anothers))).toBe(403);
});

test("when a user is removed, or gets another password, his tokens are dead within two seconds", async () => {
  const text = await gate.accessToken({ user: "ann" });
  const byPassword = await tokenFor(ann, "repository:team/app:pull");
  const byToken = await tokenFor(basic("ann", text), "repository:team/app:pull");
  const statuses = (): Promise<number[]> =>
    Promise.all(
      [bearer(byPassword.token), bearer(byToken.token), bearer(text)].map(
        async (headers) =>
          (await registry.ask("GET", "/v2/team/app/tags/list", { headers })).status,
      ),
    );
  expect(await statuses()).toEqual([404, 404, 404]);
  let since = performance.now();
  await gate.setUsers({ bob: "bob's" });
  await eventually(statuses, (seen) => seen.every((status) => status === 401));
  expect(performance.now() - since).toBeLessThan(2000);

  // Another ann: what rested on the old password stays dead.
  since = performance.now();
  await gate.setUsers({ bob: "bob's", ann: "new" });
  await eventually(statuses, (seen) => seen[1] === 404);
  expect(await statuses()).toEqual([401, 404, 404]);
  await gate.setUsers(USERS);
});
