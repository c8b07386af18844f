import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RegistryError } from "../oci/errors.ts";
import type { Environment } from "./environment.ts";
import { type Loaded, readConfig } from "./load.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wharf-test-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

let files = 0;

async function read(
  text: string,
  environment: Environment = {},
  flags: Record<string, string> = {},
): Promise<Loaded> {
  const file = join(folder, `config-${files++}.yml`);
  await Bun.write(file, text);
  return readConfig({ file, environment, flags });
}

async function refusal(text: string, environment: Environment = {}): Promise<string> {
  try {
    await read(text, environment);
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "CONFIG_INVALID") return error.message;
    throw error;
  }
  throw new Error("it was accepted");
}

const OLD = "version: 0.1\nstorage: { filesystem: { rootdirectory: /x } }\n";

describe("a file with a version is one of the distribution registry", () => {
  test("and becomes a configuration of ours", async () => {
    const { config, kind } = await read(`${OLD}http: { addr: 127.0.0.1:7 }`);

    expect(kind).toBe("distribution");
    expect(config).toMatchObject({
      listen: { hostname: "127.0.0.1", port: 7 },
      data: "/x",
      delete: false,
      auth: "none",
      log: { access: "combined" },
    });
  });

  test("with its variables, then ours, then flags", async () => {
    const { config } = await read(
      `${OLD}http: { addr: ":1", prefix: /file }\nlog: { level: debug }`,
      {
        REGISTRY_HTTP_ADDR: ":2",
        REGISTRY_HTTP_PREFIX: "/variable/",
        REGISTRY_STORAGE_DELETE_ENABLED: "true",
        WHARF_LISTEN: ":3",
        WHARF_DATA: "/ours",
        WHARF_LIMITS_UPLOADS: "5",
        WHARF_AUTH_HTPASSWD: "/users",
      },
      { data: "/flag" },
    );

    expect(config).toMatchObject({
      listen: { port: 3 },
      prefix: "/variable",
      data: "/flag",
      delete: true,
      auth: { htpasswd: "/users" },
      limits: { uploads: 5 },
      log: { level: "debug" },
    });
  });

  test("whose variables mean nothing to a file of ours", async () => {
    const { config, warnings } = await read("data: /y", { REGISTRY_HTTP_ADDR: ":2" });

    expect(config).toMatchObject({ data: "/y", listen: { port: 5000 } });
    expect(warnings).toEqual([]);
  });

  test("and without auth is taken at its word, loudly, when others can reach it", async () => {
    const { config, warnings } = await read(OLD);

    expect(config.auth).toBe("none");
    expect(warnings).toEqual([
      expect.stringMatching(
        /config-\d+\.yml: there is no auth: anyone who reaches port 5000 on this machine may push, pull and delete$/,
      ),
    ]);
  });

  test("and what has no effect is one warning, unknown variables included", async () => {
    const text = `${OLD}http: { addr: "localhost:1", h2c: { enabled: true } }\ncatalog: { maxentries: 5 }`;
    const { warnings } = await read(text, { REGISTRY_USER: "canary" });

    expect(warnings).toEqual([
      expect.stringMatching(
        /: these settings have no effect here: http\.h2c, catalog, REGISTRY_USER$/,
      ),
    ]);
  });

  test.each([
    ["http: { addr: nowhere }", "http.addr: "],
    ["http: { host: 'https://user:canary@x' }", "http.host: "],
    ["http: { prefix: a b }", "http.prefix: "],
    ["http: { prefix: /../x }", "http.prefix: "],
    ["http: { debug: { addr: x } }", "http.debug.addr: "],
    ["http: { headers: { 'X Y': [a] } }", "http.headers.X Y: "],
    ['http: { headers: { X-A: ["b\\nX-Evil: c"] } }', "http.headers.X-A.0: "],
    [
      "notifications: { endpoints: [{ name: a, url: 'canary://x' }] }",
      "notifications.endpoints.0.url: ",
    ],
    ["auth: { token: { realm: canary, service: s, issuer: i, jwks: /j } }", "auth.token.realm: "],
  ])("is refused with its own key paths: %s", async (text, place) => {
    const message = await refusal(OLD + text);

    expect(message).toMatch(/^invalid configuration: .*config-\d+\.yml: /);
    expect(message).toContain(`.yml: ${place}`);
    expect(message).not.toContain("canary");
  });

  test("is refused with all that is wrong, and the names of variables", async () => {
    const message = await refusal(`${OLD}proxy: { remoteurl: 'https://x' }\nauth: ldap`, {
      REGISTRY_NOTIFICATIONS_ENDPOINTS_5_NAME: "x",
    });

    for (const part of ["proxy.remoteurl", "auth: ", "REGISTRY_NOTIFICATIONS_ENDPOINTS_5_NAME"])
      expect(message).toContain(part);
  });

  test("reads a secret from the file that a variable names", async () => {
    await Bun.write(join(folder, "authorization"), "Bearer canary\n");
    const { config } = await read(
      `${OLD}notifications: { endpoints: [{ name: a, url: 'http://a' }] }`,
      {
        REGISTRY_NOTIFICATIONS_ENDPOINTS_0_HEADERS_Authorization_FILE: join(
          folder,
          "authorization",
        ),
      },
    );

    expect(config.notifications.endpoints[0]?.headers).toEqual({
      authorization: ["Bearer canary"],
    });
  });
});

describe("a secret", () => {
  const endpoint = (rest: string) => `notifications: { endpoints: [{ name: a, ${rest} }] }`;

  test("comes from a variable or a file", async () => {
    await Bun.write(join(folder, "url"), "https://hooks.example/canary\n");
    const text = endpoint(
      `urlFile: "${join(folder, "url")}", headers: { Authorization: ["Bearer \${TOKEN}"] }`,
    );
    const { config } = await read(text, { TOKEN: "canary" });

    expect(config.notifications.endpoints[0]).toMatchObject({
      url: "https://hooks.example/canary",
      headers: { Authorization: ["Bearer canary"] },
    });
  });

  test.each([
    [endpoint("url: '${SECRET}'"), "notifications.endpoints.0.url: "],
    ["listen: '${SECRET}'", "listen: "],
    ["limits: { idle: '${SECRET}' }", "limits.idle: "],
    ["publicUrl: 'https://u:${SECRET}@x'", "publicUrl: "],
    ["log: { level: '${SECRET}' }", "log.level: "],
    ["auth: '${SECRET}'", "auth: "],
  ])("stands in no message: %s", async (text, place) => {
    const message = await refusal(text, { SECRET: "canary-1f" });

    expect(message).toContain(place);
    expect(message).not.toContain("canary");
  });
});

describe("a mistake inside of a setting", () => {
  test.each([
    ["tls: { certificat: x }", "unknown setting tls.certificat (did you mean certificate?)"],
    [
      "limits: { requestPerSecond: 1 }",
      "limits.requestPerSecond (did you mean requestsPerSecond?)",
    ],
    ["auth: { htpaswd: x }", "unknown setting auth.htpaswd (did you mean htpasswd?)"],
    ["auth: { token: { relm: x } }", "unknown setting auth.token.relm (did you mean realm?)"],
    [
      "auth: { rules: [{ repositories: [a], alow: [pull] }] }",
      "unknown setting auth.rules.0.alow (did you mean allow?)",
    ],
    [
      "notifications: { endpoints: [{ name: a, url: 'http://a', ignore: { action: [] } }] }",
      "notifications.endpoints.0.ignore.action (did you mean actions?)",
    ],
  ])("is named with the word that was probably meant there: %s", async (text, message) => {
    expect(await refusal(text)).toContain(message);
  });

  test.each([
    ["auth: basic", "auth: must be none, or settings such as htpasswd"],
    ["auth: [x]", "auth: must be none, or settings such as htpasswd"],
    ["auth: { realm: 5 }", "auth.realm: "],
    ["auth: { rules: [{ repositories: [a], allow: [fly] }] }", "auth.rules.0.allow.0: "],
    [
      "auth: { token: { realm: 'https://t', service: s, issuer: i } }",
      "auth: token: needs rootCertBundle or jwks",
    ],
    ["trustedProxies: [10.0.0.0/33]", "trustedProxies.0: must be an address or a network"],
  ])(
    "where several kinds of values are possible is said for the one that was meant: %s",
    async (text, message) => {
      expect(await refusal(text)).toContain(message);
    },
  );

  test.each([
    "rules: [{ repositories: [a], users: [u], allow: [pull] }]",
    "htpasswd: /users",
    "anonymousPull: [a]",
  ])("of access is not passed over where a token server decides: %s", async (setting) => {
    const token = "token: { realm: 'https://t', service: s, issuer: i, jwks: /j }";
    expect(await refusal(`auth: { ${token} }`).catch(() => "none")).toBe("none");
    expect(await refusal(`auth: { ${token}, ${setting} }`)).toContain(
      `auth.${setting.split(":")[0]}: counts for nothing beside token`,
    );
  });

  test("is found also where a setting stands twice further in", async () => {
    const text = "log:\n  level: info\n  level: debug";

    expect(await refusal(text)).toEndWith("line 3: the setting level stands twice");
  });
});

describe("passwords over plain HTTP", () => {
  const users = "auth: { htpasswd: /users }\n";

  test("are warned of where other machines can send them", async () => {
    expect((await read(`${users}listen: :5000`)).warnings.join()).toContain(
      "passwords travel unencrypted",
    );
  });

  test.each([
    "listen: 127.0.0.1:5000",
    "listen: :5000\ntls: { certificate: c, key: k }",
    "listen: :5000\npublicUrl: https://hub.example",
  ])("are not assumed where they are not, or a proxy has TLS: %s", async (text) => {
    expect((await read(users + text)).warnings).toEqual([]);
  });
});
