import { describe, expect, test } from "bun:test";
import { applyVariables } from "./distribution-variables.ts";

const noFile = (path: string): string => {
  throw new Error(`${path} was read`);
};

function tree(base: Record<string, unknown>, environment: Record<string, string>) {
  const applied = applyVariables(base, environment, noFile);
  expect(applied.faults).toEqual([]);
  return applied.tree;
}

describe("a variable REGISTRY_…", () => {
  test.each([
    ["sets what is not there", {}, { REGISTRY_HTTP_ADDR: ":1" }, { http: { addr: ":1" } }],
    [
      "replaces what is there, and nothing beside it",
      { http: { addr: ":1", host: "x" } },
      { REGISTRY_HTTP_ADDR: ":2" },
      { http: { addr: ":2", host: "x" } },
    ],
    [
      "has YAML as its value",
      {},
      { REGISTRY_STORAGE: "{filesystem: {rootdirectory: /x}, delete: {enabled: true}}" },
      { storage: { filesystem: { rootdirectory: "/x" }, delete: { enabled: "true" } } },
    ],
    [
      "can be a list",
      {},
      { REGISTRY_HTTP_TLS_CLIENTCAS: "[/a, /b]" },
      { http: { tls: { clientcas: ["/a", "/b"] } } },
    ],
    [
      "names a place in a list by its number",
      { notifications: { endpoints: [{ name: "a" }, { name: "b" }] } },
      { REGISTRY_NOTIFICATIONS_ENDPOINTS_1_NAME: "c" },
      { notifications: { endpoints: [{ name: "a" }, { name: "c" }] } },
    ],
    [
      "can add to a list",
      { notifications: { endpoints: [{ name: "a" }] } },
      { REGISTRY_NOTIFICATIONS_ENDPOINTS_1_NAME: "b" },
      { notifications: { endpoints: [{ name: "a" }, { name: "b" }] } },
    ],
    [
      "can make a list",
      {},
      {
        REGISTRY_NOTIFICATIONS_ENDPOINTS_0_NAME: "a",
        REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL: "http://a",
      },
      { notifications: { endpoints: [{ name: "a", url: "http://a" }] } },
    ],
    [
      "keeps dashes, and finds a key in any case",
      { http: { headers: { "X-Frame-Options": ["DENY"] } } },
      {
        "REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin": "[http://registry-ui]",
        "REGISTRY_HTTP_HEADERS_X-Frame-Options": "[SAMEORIGIN]",
      },
      {
        http: {
          headers: {
            "X-Frame-Options": ["SAMEORIGIN"],
            "access-control-allow-origin": ["http://registry-ui"],
          },
        },
      },
    ],
    [
      "comes after the one that is a part of its name",
      {},
      {
        REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: "/x",
        REGISTRY_STORAGE: "filesystem",
        REGISTRY_AUTH_HTPASSWD_REALM: "r",
        REGISTRY_AUTH: "htpasswd",
      },
      { storage: { filesystem: { rootdirectory: "/x" } }, auth: { htpasswd: { realm: "r" } } },
    ],
    [
      "goes on in what the file says shortly",
      { auth: "htpasswd" },
      { REGISTRY_AUTH_HTPASSWD_PATH: "/auth" },
      { auth: { htpasswd: { path: "/auth" } } },
    ],
    [
      "replaces a whole section",
      { auth: { token: { realm: "x" } } },
      { REGISTRY_AUTH: "{htpasswd: {realm: r, path: /p}}" },
      { auth: { htpasswd: { realm: "r", path: "/p" } } },
    ],
    [
      "keeps a number as it is written",
      {},
      { REGISTRY_HTTP_SECRET: "0123" },
      { http: { secret: "0123" } },
    ],
    [
      "keeps what looks like an alias and is none",
      {},
      { REGISTRY_HTTP_SECRET: "*abc&!" },
      { http: { secret: "*abc&!" } },
    ],
    ["can be empty", { http: { host: "x" } }, { REGISTRY_HTTP_HOST: "" }, { http: { host: "" } }],
    [
      "may name a section as the original's own variables do",
      {},
      { REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES: "true" },
      { notifications: { events: { includereferences: "true" } } },
    ],
  ] as const)("%s", (_, base, environment, expected) => {
    expect(tree({ ...base }, { ...environment })).toEqual(structuredClone({ ...expected }));
  });

  test("does not change what was handed in", () => {
    const base = { http: { addr: ":1" } };

    tree(base, { REGISTRY_HTTP_ADDR: ":2" });

    expect(base).toEqual({ http: { addr: ":1" } });
  });

  test.each([
    "REGISTRY_PORT",
    "REGISTRY_PORT_5000_TCP",
    "REGISTRY_PORT_5000_TCP_ADDR",
    "REGISTRY_SERVICE_HOST",
    "REGISTRY_SERVICE_PORT",
    "REGISTRY_SERVICE_PORT_HTTP",
    "REGISTRY_HTTP_PORT",
    "REGISTRY_HTTP_PORT_80_TCP_PROTO",
    "REGISTRY_HTTP_SERVICE_HOST",
    "REGISTRY_CONFIGURATION_PATH",
    "REGISTRY_AUTH_FILE",
    "REGISTRY_VERSION",
    "PATH",
  ])("is none, and passed over: %s", (name) => {
    const applied = applyVariables({ version: "0.1" }, { [name]: "tcp://10.0.0.1:5000" }, noFile);

    expect(applied).toEqual({ tree: { version: "0.1" }, faults: [], unknown: [] });
  });

  test("of an unknown section is named", () => {
    const environment = { REGISTRY_URL: "secret", REGISTRY__X: "1", REGISTRY_PASS: "secret" };
    const { unknown, tree: left } = applyVariables({}, environment, noFile);

    expect(unknown).toEqual(["REGISTRY_PASS", "REGISTRY_URL", "REGISTRY__X"]);
    expect(left).toEqual({});
  });

  test.each([
    [{ REGISTRY_NOTIFICATIONS_ENDPOINTS_2_NAME: "x" }, "the next one is number 1"],
    [{ REGISTRY_NOTIFICATIONS_ENDPOINTS_NAME: "x" }, "a list has numbers, not NAME"],
    [{ REGISTRY_HTTP_ADDR_X: "x" }, "http.addr is a single value, there is nothing in it"],
    [{ "REGISTRY_HTTP_HEADERS_X-Y": "[a, b" }, "it is not YAML"],
  ])("that cannot be applied is a fault: %p", (environment, reason) => {
    const base = { http: { addr: ":1" }, notifications: { endpoints: [{}] } };
    const { faults } = applyVariables(base, environment, noFile);

    expect(faults).toHaveLength(1);
    expect(faults[0]).toStartWith(`${Object.keys(environment)[0]}: `);
    expect(faults[0]).toContain(reason);
  });

  test("cannot reach what every object inherits", () => {
    const environment = { REGISTRY_HTTP_CONSTRUCTOR_PROTOTYPE: "x", REGISTRY_HTTP_PROTO: "y" };

    expect(tree({}, environment)).toEqual({
      http: { constructor: { prototype: "x" }, proto: "y" },
    });
    expect(Object.keys(Object)).toEqual([]);
  });
});

describe("a variable REGISTRY_…_FILE", () => {
  const files: Readonly<Record<string, string>> = { "/s": "p[a: ss\n", "/crlf": "x\r\n" };
  const read = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw new Error(`${path} is not there`);
    return text;
  };

  test.each([
    [{ REGISTRY_HTTP_SECRET_FILE: "/s" }, { http: { secret: "p[a: ss" } }],
    [{ REGISTRY_REDIS_PASSWORD_FILE: "/crlf" }, { redis: { password: "x" } }],
    [
      { REGISTRY_NOTIFICATIONS_ENDPOINTS_0_HEADERS_Authorization_FILE: "/s" },
      { notifications: { endpoints: [{ headers: { authorization: "p[a: ss" } }] } },
    ],
    [{ REGISTRY_HEALTH_FILE_0_FILE: "/s" }, { health: { file: [{ file: "/s" }] } }],
    [{ REGISTRY_HEALTH_FILECHECKERS_0_FILE: "/s" }, { health: { file: [{ file: "/s" }] } }],
  ])("takes the value from there, as it is: %p", (environment, expected) => {
    expect(applyVariables({}, environment, read).tree).toEqual(expected);
  });

  test("that is not there is a fault", () => {
    const { faults } = applyVariables({}, { REGISTRY_HTTP_SECRET_FILE: "/none" }, read);

    expect(faults).toEqual(["REGISTRY_HTTP_SECRET_FILE: /none is not there"]);
  });
});
