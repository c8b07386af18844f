import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { RegistryError } from "../oci/errors.ts";
import type { Environment } from "./environment.ts";
import { loadConfig } from "./load.ts";
import type { Config } from "./schema.ts";
import { EVERY_ADDRESS } from "./values.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wharf-test-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

interface Given {
  /** The text of a configuration file; absent: there is no file. */
  readonly file?: string;
  readonly environment?: Environment;
  readonly flags?: Readonly<Record<string, string | undefined>>;
}

let files = 0;

async function load({ file, environment = {}, flags = {} }: Given): Promise<Config> {
  const path = file === undefined ? null : join(folder, `wharf-${files++}.yaml`);
  if (path !== null) await Bun.write(path, file ?? "");
  return loadConfig({ file: path, environment, flags });
}

/** The message of the refusal. */
async function refusal(given: Given): Promise<string> {
  try {
    await load(given);
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "CONFIG_INVALID") return error.message;
    throw error;
  }
  throw new Error("it was accepted");
}

const DEFAULTS: Config = {
  listen: { hostname: "127.0.0.1", port: 5000 },
  data: "./data",
  trustedProxies: [],
  headers: {},
  delete: true,
  readOnly: false,
  sparse: false,
  notifications: { includeReferences: false, limit: 100_000, endpoints: [] },
  gc: {
    enabled: true,
    grace: 3_600_000,
    untaggedAfter: 604_800_000,
    emptyRepositories: true,
    protected: [],
    timeZone: "UTC",
    pace: 2000,
  },
  trash: { keepFor: 86_400_000, freeSpace: 5 },
  limits: {
    connections: 20_000,
    idle: 255_000,
    head: 60_000,
    uploads: 10_000,
    uploadsPerRepository: 1000,
  },
  retention: [],
  pulls: { ignore: [], heads: ["containerd/*", "cri-o/*", "docker/*", "containers/*"] },
  registries: [],
  keep: {
    listen: { hostname: "127.0.0.1", port: 8080 },
    state: "./wharf-keep",
    report: [],
  },
  log: { level: "info", format: "auto", access: "none", fields: {} },
};

describe("without any setting", () => {
  test.each([
    ["no file", {}],
    ["an empty file", { file: "" }],
    ["a file of comments", { file: "# listen: :1\n" }],
    [
      "variables of other programs",
      { environment: { PATH: "/bin", LISTEN: ":1", wharf_listen: ":1" } },
    ],
    ["flags that are not given", { flags: { listen: undefined, data: undefined } }],
  ])("the registry is for this machine only, and keeps its data here: %s", async (_, given) => {
    expect(await load(given)).toEqual(DEFAULTS);
  });
});

describe("settings", () => {
  test("can all stand in the file", async () => {
    const file = [
      "listen: 0.0.0.0:80",
      "data: /srv/registry",
      "auth: none",
      "publicUrl: https://hub.example/registry/",
      "delete: false",
      "sparse: true",
      "log: { level: debug, format: json }",
    ].join("\n");

    expect(await load({ file })).toEqual({
      ...DEFAULTS,
      listen: { hostname: "0.0.0.0", port: 80 },
      data: "/srv/registry",
      auth: "none",
      publicUrl: "https://hub.example/registry",
      delete: false,
      sparse: true,
      log: { level: "debug", format: "json", access: "none", fields: {} },
    });
  });

  test("of a variable win over the file, and flags over both", async () => {
    const given = {
      file: "data: /file\nlisten: 127.0.0.1:1\nlog: { level: debug, format: json }",
      environment: {
        WHARF_DATA: "/variable",
        WHARF_LISTEN: "127.0.0.1:2",
        WHARF_LOG_LEVEL: "warn",
      },
      flags: { listen: "127.0.0.1:3" },
    };

    expect(await load(given)).toMatchObject({
      data: "/variable",
      listen: { port: 3 },
      log: { level: "warn", format: "json" },
    });
  });

  test.each([
    ["WHARF_LISTEN", "[::1]:7", { listen: { hostname: "::1", port: 7 } }],
    ["WHARF_DATA", "/x", { data: "/x" }],
    ["WHARF_AUTH", "none", { auth: "none" }],
    ["WHARF_PUBLIC_URL", "http://x", { publicUrl: "http://x" }],
    ["WHARF_DELETE", "false", { delete: false }],
    ["WHARF_SPARSE", "true", { sparse: true }],
    ["WHARF_LOG_LEVEL", "silent", { log: { level: "silent" } }],
    ["WHARF_LOG_FORMAT", "pretty", { log: { format: "pretty" } }],
  ])("can come from %s", async (variable, value, expected) => {
    expect(await load({ environment: { [variable]: value } })).toMatchObject(expected);
  });

  test("can not be changed any more, at any depth", async () => {
    const config = await load({ file: "log: { level: debug }" });
    const values: unknown[] = [config, ...Object.values(config)];

    expect(values.filter((value) => typeof value === "object" && !Object.isFrozen(value))).toEqual(
      [],
    );
  });
});

describe("a mistake", () => {
  test.each([
    ["in a setting", { file: "lisen: :1" }, "unknown setting lisen (did you mean listen?)"],
    [
      "in an inner setting",
      { file: "log: { levle: info }" },
      "unknown setting log.levle (did you mean level?)",
    ],
    ["in capitals", { file: "Delete: false" }, "unknown setting Delete (did you mean delete?)"],
    ["that is like nothing known", { file: "storage: {}" }, "unknown setting storage"],
    ["that every object inherits", { file: "constructor: 1" }, "unknown setting constructor"],
    [
      "that would change a prototype",
      { file: "__proto__: { delete: false }" },
      "unknown setting __proto__",
    ],
    [
      "in a variable",
      { environment: { WHARF_LISTN: ":1" } },
      "unknown variable WHARF_LISTN (did you mean WHARF_LISTEN?)",
    ],
    ["in a flag", { flags: { lisen: ":1" } }, "unknown setting lisen (did you mean listen?)"],
  ])("%s is refused, with the word that was probably meant", async (_, given, message) => {
    expect(await refusal(given)).toEndWith(message);
  });

  test.each([
    ["a text where a switch belongs", "delete: no", "delete: "],
    ["a number where a text belongs", "data: 12", "data: "],
    ["an empty folder", 'data: ""', "data: "],
    ["an unknown level", "log: { level: loud }", "log.level: "],
    ["a list where settings belong", "log: []", "log: "],
    ["an unknown way of authentication", "auth: basic", "auth: "],
    ["an alias that contains itself", "log: &x { level: *x }", "an alias contains itself"],
    ["a URL of another kind", "publicUrl: ftp://x", "publicUrl: "],
    ["a URL without a host", "publicUrl: https:x", "publicUrl: "],
    ["a path alone", "publicUrl: /registry", "publicUrl: "],
    ["a URL with a query", "publicUrl: https://x/?y=1", "publicUrl: "],
    ["a URL with an empty query", "publicUrl: https://x/?", "publicUrl: "],
    ["a URL with a fragment", 'publicUrl: "https://x/#y"', "publicUrl: "],
    ["a URL with a password", "publicUrl: https://user:secret@x", "publicUrl: "],
  ])("is refused with its place: %s", async (_, file, place) => {
    const message = await refusal({ file });

    expect(message).toMatch(/^invalid configuration: .*wharf-\d+\.yaml: /);
    expect(message).toContain(`: ${place}`);
    expect(message).not.toContain("secret");
  });

  test("does not hide the others: all are named at once", async () => {
    const message = await refusal({
      file: "lisen: :1\ndelete: maybe\nlog: { level: loud, colour: red }",
    });

    for (const place of ["lisen", "delete", "log.level", "log.colour"])
      expect(message).toContain(place);
  });

  test.each([
    ["no YAML", "data: ["],
    ["a list", "- listen"],
    ["a text", "hello"],
    ["a number", "5"],
    ["two documents", "data: /a\n---\ndata: /b"],
  ])("is refused when the whole file is %s", async (_, file) => {
    expect(await refusal({ file })).toMatch(/it is not YAML|it must be a map of settings/);
  });

  test.each([
    ["does not exist", "nowhere.yaml"],
    ["is a folder", ""],
  ])("is named when the file %s", async (_, name) => {
    const path = join(folder, name);

    expect(() => loadConfig({ file: path, environment: {}, flags: {} })).toThrow(
      expect.objectContaining({
        kind: "CONFIG_INVALID",
        message: expect.stringContaining(`${path}: it cannot be read`),
      }),
    );
  });
});

describe("a setting that stands twice", () => {
  test.each([
    ["plainly", "delete: false\ndata: /x\ndelete: true"],
    ["with the same value", "data: /x\ndata: /x"],
    ["once in quotes", 'data: /x\n"data": /y'],
    ["once without a value", "data: /x\ndata:"],
    ["with settings in it", "log:\n  level: debug\nlog:\n  format: json"],
    ["with Windows' line ends", "data: /x\r\ndata: /y\r\n"],
  ])("is refused: %s", async (_, file) => {
    expect(await refusal({ file })).toMatch(/the setting (?:delete|data|log) stands twice$/);
  });

  test.each([
    ["in a comment", "data: /x\n# data: /y"],
    ["in a longer text", "data: |\n  data: /x\n  data: /y"],
    ["as a value", "data: data"],
    ["as a part of another word", "data: /x\npublicUrl: http://data:80"],
  ])("is not one that stands %s", async (_, file) => {
    expect((await load({ file })).data).toMatch(/data|\/x/);
  });
});

test("a registry goes by policies that there are", async () => {
  const given = (name: string): Given => ({
    file: `retention: [{ name: a, repositories: ["**"], delete: [{ tags: ["*"] }] }]\nregistries: [{ name: r, url: x, policies: [${name}] }]`,
  });

  expect((await load(given("a"))).registries[0]?.policies).toEqual(["a"]);
  expect(await refusal(given("b"))).toContain(
    'registries.0.policies.0: retention has no policy "b"',
  );
});

describe("variables that begin like ours and are not", () => {
  test.each([
    ["WHARF_PORT", "tcp://10.0.0.1:5000"],
    ["WHARF_PORT_5000_TCP", "tcp://10.0.0.1:5000"],
    ["WHARF_PORT_5000_TCP_ADDR", "10.0.0.1"],
    ["WHARF_SERVICE_HOST", "10.0.0.1"],
    ["WHARF_SERVICE_PORT", "5000"],
    ["WHARF_SERVICE_PORT_HTTP", "5000"],
  ])(
    "are left alone when Kubernetes sets them for a service of that name: %s",
    async (variable, value) => {
      expect(await load({ environment: { [variable]: value } })).toMatchObject({
        listen: { port: 5000 },
      });
    },
  );

  test.each(["WHARF_PORTS", "WHARF_SERVICES", "WHARF_", "WHARF_listen"])(
    "are refused otherwise: %s",
    async (variable) => {
      expect(await refusal({ environment: { [variable]: "x" } })).toContain(
        `unknown variable ${variable}`,
      );
    },
  );

  test("are left alone when they are the client's", async () => {
    expect(await load({ environment: { WHARF_REGISTRY: "https://hub.example" } })).toBeDefined();
  });
});

describe("the address", () => {
  test.each([
    ["127.0.0.1:5000", { hostname: "127.0.0.1", port: 5000 }],
    ["localhost:0", { hostname: "localhost", port: 0 }],
    ["[::1]:65535", { hostname: "::1", port: 65_535 }],
    [":5000", { hostname: EVERY_ADDRESS, port: 5000 }],
    ["0.0.0.0:5000", { hostname: "0.0.0.0", port: 5000 }],
    ["registry.example:443", { hostname: "registry.example", port: 443 }],
    ["[::]:5000", { hostname: "::", port: 5000 }],
  ])("%s is taken apart", async (listen, expected) => {
    expect((await load({ flags: { listen, auth: "none" } })).listen).toEqual(expected);
  });

  test.each([
    "",
    ":",
    "5000",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:x",
    "127.0.0.1:-1",
    "127.0.0.1:65536",
    "127.0.0.1:500000",
    "::1:5000",
    "[::1]",
    "[::1",
    "http://127.0.0.1:5000",
    "127.0.0.1:5000/",
    "127.0.0.1 :5000",
    "127.0.0.1:5000\n",
    "a b:1",
  ])("%p is none", async (listen) => {
    expect(await refusal({ flags: { listen, auth: "none" } })).toContain("is not HOST:PORT");
  });

  test("is read back as it was written", async () => {
    const host = fc.oneof(
      fc.ipV4(),
      fc.domain(),
      fc.ipV6().map((ip) => `[${ip}]`),
    );
    await fc.assert(
      fc.asyncProperty(host, fc.nat(65_535), async (hostname, port) => {
        const { listen } = await load({ flags: { listen: `${hostname}:${port}`, auth: "none" } });
        expect(listen).toEqual({ hostname: hostname.replace(/^\[|\]$/g, ""), port });
      }),
    );
  });
});

describe("a registry that other machines can reach", () => {
  const OPEN = [
    ":5000",
    "0.0.0.0:5000",
    "[::]:5000",
    "10.0.0.1:5000",
    "192.168.1.1:5000",
    "registry.example:5000",
    "127.0.0.1.evil.example:5000",
    "localhost.evil.example:5000",
    "128.0.0.1:5000",
    "[::ffff:10.0.0.1]:5000",
  ];

  test.each(OPEN)("must say that nobody needs a password: %s", async (listen) => {
    expect(await refusal({ flags: { listen } })).toContain("auth: none");
    expect(await load({ flags: { listen }, environment: { WHARF_AUTH: "none" } })).toMatchObject({
      auth: "none",
    });
  });

  test.each(["127.0.0.1:1", "127.1.2.3:1", "localhost:1", "[::1]:1"])(
    "is not one that listens on %s",
    async (listen) => {
      const config = await load({ flags: { listen } });

      expect(config.auth).toBeUndefined();
    },
  );
});
