import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isDigest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import { isRepositoryName } from "../oci/name.ts";
import { isTag } from "../oci/reference.ts";
import { type Match, type Permission, ROUTES, type Route, match } from "./routes.ts";

/** The words of the paths are names of repositories too. */
const word = fc.constantFrom(
  "a",
  "blobs",
  "uploads",
  "manifests",
  "tags",
  "list",
  "referrers",
  "v2",
  "repositories",
  "x-1",
);
const name = fc
  .array(word, { minLength: 1, maxLength: 6 })
  .map((words) => words.join("/"))
  .filter(isRepositoryName);
const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
const digest = hex(64)
  .map((digits) => `sha256:${digits}`)
  .filter(isDigest);
const tag = fc
  .constantFrom("latest", "uploads", "blobs", "manifests", "list", "tags", "v1.0", "sha256-x.sig")
  .filter(isTag);

const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  name,
  digest,
  reference: fc.oneof(tag, digest),
  id: hex(32),
};

interface Call {
  readonly route: Route;
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** A request that is meant for a route below `prefix`: its pattern, filled in. */
function callOf(prefix: string): fc.Arbitrary<Call> {
  return fc
    .constantFrom(...ROUTES.filter(({ pattern }) => pattern.startsWith(prefix)))
    .chain((route) => {
      const variables = [...route.pattern.matchAll(/\{(\w+)\}/g)].map(
        ([, variable = ""]) => variable,
      );
      return fc
        .record(
          Object.fromEntries(
            variables.map((variable) => [variable, VALUES[variable] ?? fc.constant("")]),
          ),
        )
        .map((parameters) => ({
          route,
          parameters,
          path: route.pattern.replaceAll(
            /\{(\w+)\}/g,
            (_, variable: string) => parameters[variable] ?? "",
          ),
        }));
    });
}

function found(method: string, path: string): Match {
  return match(method, path);
}

function refusal(method: string, path: string): RegistryError {
  try {
    found(method, path);
  } catch (error) {
    if (error instanceof RegistryError) return error;
    throw error;
  }
  throw new Error(`${method} ${path} was found`);
}

const DIGEST = `sha256:${"a".repeat(64)}`;

describe("a path that was made for a route", () => {
  test.each(["/v2/", "/api/"])(
    "leads to it, with the same values, whatever words they are made of: %s",
    (prefix) => {
      fc.assert(
        fc.property(callOf(prefix), ({ route, path, parameters }) => {
          const got = found(route.method, path);
          expect(got.route).toBe(route);
          expect({ ...got.parameters }).toEqual(parameters);
        }),
        { numRuns: 2000 },
      );
    },
  );

  test("is refused with the methods it has when it is asked with another one", () => {
    fc.assert(
      fc.property(callOf("/"), ({ route, path }) => {
        const error = refusal("TRACE", path);
        expect(error.kind).toBe("METHOD_UNSUPPORTED");
        expect(error.headers["allow"]?.split(", ")).toContain(route.method);
        expect(error.headers["allow"]?.split(", ")).toContain("OPTIONS");
      }),
    );
  });

  test.each([
    ["/v2", "GET", "/v2/"],
    ["/v2/a/blobs/uploads", "POST", "/v2/{name}/blobs/uploads/"],
  ])("may lack its last slash: %s", (path, method, pattern) => {
    expect(found(method, path).route.pattern).toBe(pattern);
  });

  test("keeps what is escaped as it is: nothing is decoded", () => {
    expect({ ...found("GET", "/v2/a%2fb/manifests/x%00").parameters }).toEqual({
      name: "a%2fb",
      reference: "x%00",
    });
  });
});

describe("another path", () => {
  test.each([
    "",
    "v2/",
    "/v1/",
    "/V2/",
    "//v2/",
    "/v2//",
    "/v3/",
    "/x/v2/",
    "/v2x",
    "*",
    "http://evil/v2/",
    "/v2/_catalog/",
    "/v2/_catalog/x",
    "/v2/a",
    "/v2/a/",
    "/v2/a/b/c",
    "/v2/tags/list",
    "/v2/manifests/latest",
    `/v2/blobs/${DIGEST}`,
    "/v2/blobs/uploads/x",
    `/v2/referrers/${DIGEST}`,
    "/v2/a/tags",
    "/v2/a/tags/",
    "/v2/a/tags/list/",
    "/v2/a/tags/list/x",
    "/v2/a/tags/lists",
    "/v2/a/Tags/list",
    "/v2/a/manifests",
    "/v2/a/manifests/",
    "/v2/a/manifests/x/y",
    "/v2/a/blobs",
    "/v2/a/blobs/",
    "/v2/a/referrers/",
    "/v2/a/manifests%2flatest",
    "/v2/a/blobs%2f" + DIGEST,
    "/v2/a\nb/tags/list",
    "/v2/a/tags/list\n",
    "/api/v1",
    "/api/v1/manifests/a",
    "/api/v1/tags/",
    "/api/v2/tags/a",
    "/metrics/",
    "/livez/x",
    "/debug/pprof",
    "/debug/health",
    "/token/",
    "/v2/token",
    "/v2/token/",
    "/../v2/",
    "/%76%32/",
  ])("is unknown: %p", (path) => {
    for (const method of ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "TRACE"]) {
      expect(refusal(method, path)).toMatchObject({ kind: "ENDPOINT_UNKNOWN", status: 404 });
    }
  });

  test.each([
    ["POST", "/v2/", "GET, HEAD, OPTIONS"],
    ["DELETE", "/v2/_catalog", "GET, OPTIONS"],
    ["HEAD", "/v2/a/tags/list", "GET, OPTIONS"],
    ["POST", "/v2/a/manifests/latest", "GET, HEAD, PUT, DELETE, OPTIONS"],
    ["PUT", `/v2/a/blobs/${DIGEST}`, "GET, HEAD, DELETE, OPTIONS"],
    ["GET", "/v2/a/blobs/uploads/", "POST, OPTIONS"],
    ["POST", "/v2/a/blobs/uploads/0", "GET, PATCH, PUT, DELETE, OPTIONS"],
    ["get", "/v2/", "GET, HEAD, OPTIONS"],
    ["", "/v2/", "GET, HEAD, OPTIONS"],
    ["constructor", "/v2/", "GET, HEAD, OPTIONS"],
    ["__proto__", "/v2/", "GET, HEAD, OPTIONS"],
    ["CONNECT", "/v2/", "GET, HEAD, OPTIONS"],
  ])("has no method %p for %s", (method, path, allow) => {
    expect(refusal(method, path)).toMatchObject({
      kind: "METHOD_UNSUPPORTED",
      status: 405,
      headers: { allow },
    });
  });

  test.each([
    ["slashes", "/v2/" + "/".repeat(65_536)],
    ["one long word", "/v2/" + "a".repeat(65_536)],
    ["repository names", "/v2/" + "a/".repeat(32_768)],
    ["uploads within uploads", "/v2" + "/blobs/uploads".repeat(4096) + "/"],
    ["manifests within manifests", "/v2/a" + "/manifests/x".repeat(5000) + "/"],
    ["a reference that does not end well", "/v2/a/manifests/" + "x".repeat(65_536) + "/"],
  ])("of 64 KiB of %s is looked up at once", (_, path) => {
    const began = performance.now();
    try {
      expect(found("GET", path).route).toBeDefined();
    } catch (error) {
      expect(error).toMatchObject({ name: "RegistryError" });
    }
    expect(performance.now() - began).toBeLessThan(200);
  });

  test("is not repeated whole when it is long", () => {
    expect(refusal("GET", `/${"x".repeat(65_536)}`).message.length).toBeLessThan(300);
  });
});

describe("the table", () => {
  test("has each route once", () => {
    const routes = ROUTES.map(({ method, pattern }) => `${method} ${pattern}`);

    expect(routes.length).toBe(new Set(routes).size);
  });

  /** What each method may be open to; reading never needs the right to write, and the other way round. */
  const ALLOWED: Readonly<Record<string, readonly Permission[]>> = {
    GET: ["none", "login", "known", "pull", "push", "catalog", "administer"],
    HEAD: ["none", "known", "pull"],
    // Whoever asks for a token says in the form who he is.
    POST: ["push", "none", "administer"],
    PUT: ["push"],
    PATCH: ["push"],
    DELETE: ["delete", "push", "administer"],
  };

  test("calls writing what is pushed, deleted, collected, pruned or restored, and nothing that is asked with GET or HEAD", () => {
    const writing = ROUTES.filter(({ writes }) => writes);

    expect(writing.map(({ method, pattern }) => `${method} ${pattern}`)).toEqual([
      "PUT /v2/{name}/manifests/{reference}",
      "DELETE /v2/{name}/manifests/{reference}",
      "DELETE /v2/{name}/blobs/{digest}",
      "POST /v2/{name}/blobs/uploads/",
      "PATCH /v2/{name}/blobs/uploads/{id}",
      "PUT /v2/{name}/blobs/uploads/{id}",
      "DELETE /v2/{name}/blobs/uploads/{id}",
      "POST /api/v1/gc",
      "POST /api/v1/check/repair",
      "POST /api/v1/prune",
      "POST /api/v1/trash/restore",
      "DELETE /api/v1/trash",
    ]);
  });

  test("shows metrics to administrators only", () => {
    expect(found("GET", "/metrics").route.permission).toBe("administer");
  });

  test.each(
    ROUTES.map(({ method, pattern, permission }) => [method, pattern, permission] as const),
  )("%s %s demands a permission that fits the method: %s", (method, pattern, permission) => {
    expect(ALLOWED[method]).toContain(permission);
    // What belongs to a repository, or to the protocol, is never open to everybody.
    if (permission === "none") expect(pattern).not.toStartWith("/v2/");
    if (pattern.includes("{name}")) expect(["pull", "push", "delete"]).toContain(permission);
    if (method === "DELETE" && permission === "push")
      expect(pattern).toBe("/v2/{name}/blobs/uploads/{id}");
    if (pattern.includes("/uploads/")) expect(permission).toBe("push");
  });
});
