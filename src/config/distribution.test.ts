import { describe, expect, test } from "bun:test";
import { isRecord } from "../oci/json.ts";
import { isDistribution, translate, type Translation } from "./distribution.ts";
import { parseYaml } from "./yaml.ts";

/** Translates a file: the given text, below what every configuration must have. */
function translated(text: string): Translation {
  const storage = /^storage:/m.test(text) ? "" : "storage: { filesystem: {} }\n";
  const document = parseYaml(`version: 0.1\n${storage}${text}`, "text");
  if (!isRecord(document)) throw new Error("the test's file is no map");
  return translate(document);
}

const settings = (text: string) => translated(text).settings;

test.each([
  [{ version: "0.1", storage: {} }, true],
  [{ version: 0.1 }, true],
  [{ listen: ":5000" }, false],
  [{}, false],
  [null, false],
  ["version", false],
  [["version"], false],
])("%p is a distribution configuration: %p", (document, expected) => {
  expect(isDistribution(document)).toBe(expected);
});

describe("a configuration that says almost nothing", () => {
  test("is a registry as the images of distribution run it", () => {
    expect(translated("")).toEqual({
      settings: {
        data: "/var/lib/registry",
        delete: false,
        readOnly: false,
        listen: ":5000",
        headers: {},
        notifications: { endpoints: [], includeReferences: false },
        log: { level: "info", format: "auto", access: "combined", fields: {} },
        sparse: false,
      },
      faults: [],
      unused: [],
      needless: [],
      remarks: [],
    });
  });
});

describe("a setting of distribution becomes one of ours", () => {
  test.each([
    ["storage: { filesystem: { rootdirectory: /x } }", { data: "/x" }],
    ["storage: filesystem", { data: "/var/lib/registry" }],
    ["storage: { filesystem: , delete: { enabled: true } }", { delete: true }],
    ["storage: { filesystem: {}, delete: { enabled: 'true' } }", { delete: true }],
    ["storage: { filesystem: {}, delete: { enabled: yes } }", { delete: true }],
    ["storage: { filesystem: {}, delete: { enabled: false } }", { delete: false }],
    ["storage: { filesystem: {}, delete: {} }", { delete: false }],
    [
      "storage: { filesystem: {}, maintenance: { readonly: { enabled: true } } }",
      { readOnly: true },
    ],
    ["http: { addr: localhost:1 }", { listen: "localhost:1" }],
    ["http: { addr: :1 }", { listen: ":1" }],
    ["http: { net: tcp, addr: '[::1]:1' }", { listen: "[::1]:1" }],
    ["http: { host: https://hub.example:5000 }", { publicUrl: "https://hub.example:5000" }],
    ["http: { prefix: /hub/ }", { prefix: "/hub/" }],
    ["http: { draintimeout: 1m30s }", { drain: "90000ms" }],
    ["http: { debug: { addr: :5001 } }", { debug: { listen: ":5001" } }],
    [
      "http: { headers: { X-A: [b, c], X-D: e } }",
      { headers: { "X-A": ["b", "c"], "X-D": ["e"] } },
    ],
    [
      "http: { tls: { certificate: /c, key: /k } }",
      { tls: { certificate: "/c", key: "/k", minimum: "1.2" } },
    ],
    [
      "http: { tls: { certificate: /c, key: /k, minimumtls: tls1.3, clientcas: [/a] } }",
      { tls: { certificate: "/c", key: "/k", minimum: "1.3", clientCAs: ["/a"] } },
    ],
    [
      "http: { tls: { certificate: /c, key: /k, minimumtls: tls1.3, ciphersuites: [X] } }",
      { tls: { certificate: "/c", key: "/k", minimum: "1.3" } },
    ],
    ["auth: { htpasswd: { realm: r, path: /p } }", { auth: { realm: "r", htpasswd: "/p" } }],
    ["auth: none", { auth: "none" }],
    ["auth: { none: {} }", { auth: "none" }],
    [
      "auth: { token: { realm: 'https://t', service: s, issuer: i, rootcertbundle: /b } }",
      {
        auth: {
          token: { realm: "https://t", service: "s", issuer: "i", rootCertBundle: "/b" },
        },
      },
    ],
    [
      "auth: { token: { realm: 'https://t', service: s, issuer: i, jwks: /j, signingalgorithms: [EdDSA] } }",
      {
        auth: {
          token: {
            realm: "https://t",
            service: "s",
            issuer: "i",
            jwks: "/j",
            signingAlgorithms: ["EdDSA"],
          },
        },
      },
    ],
    ["log: { level: WARN }", { log: { level: "warn" } }],
    ["loglevel: debug", { log: { level: "debug" } }],
    ["log: { level: error }\nloglevel: debug", { log: { level: "error" } }],
    ["log: { formatter: json }", { log: { format: "json" } }],
    ["log: { formatter: text }", { log: { format: "pretty" } }],
    [
      "log: { fields: { service: registry, n: 012 } }",
      { log: { fields: { service: "registry", n: "012" } } },
    ],
    ["log: { accesslog: { disabled: true } }", { log: { access: "none" } }],
    [
      "notifications: { events: { includereferences: true } }",
      { notifications: { includeReferences: true } },
    ],
    ["validation: { manifests: { indexes: { platforms: None } } }", { sparse: true }],
    [
      "validation: { disabled: true, manifests: { urls: { allow: [x] }, indexes: { platforms: none } } }",
      { sparse: false },
    ],
  ])("%s", (text, expected) => {
    const { settings: found, faults } = translated(text);

    expect(faults).toEqual([]);
    expect(found).toMatchObject(expected);
  });

  test("with the defaults of distribution, where it notifies", () => {
    const text = "notifications: { endpoints: [{ name: a, url: 'http://a' }] }";

    expect(settings(text)["notifications"]).toMatchObject({
      endpoints: [
        {
          name: "a",
          url: "http://a",
          disabled: false,
          headers: {},
          timeout: "1000ms",
          backoff: "1000ms",
          threshold: 10,
          batch: 1,
          ignore: { mediaTypes: [], actions: [] },
        },
      ],
    });
  });

  test("with all that an endpoint can have", () => {
    const text = `
notifications:
  endpoints:
    - name: a
      url: http://a
      headers: { Authorization: [Bearer x] }
      timeout: 500ms
      backoff: 1m
      threshold: 3
      ignoredmediatypes: [one/a]
      ignore: { mediatypes: [two/b], actions: [pull] }
    - name: a
      url: http://b
    - url: http://c
    - { name: off, disabled: true }`;

    expect(settings(text)["notifications"]).toMatchObject({
      endpoints: [
        {
          name: "a",
          headers: { Authorization: ["Bearer x"] },
          timeout: "500ms",
          backoff: "60000ms",
          threshold: 3,
          ignore: { mediaTypes: ["one/a", "two/b"], actions: ["pull"] },
        },
        { name: "a-2" },
        { name: "endpoint-2" },
        { name: "off", disabled: true },
      ],
    });
  });
});

describe("what would be less safe if it were left out is refused", () => {
  test.each([
    ["proxy: { remoteurl: 'https://registry-1.docker.io', password: canary }", "proxy.remoteurl: "],
    ["middleware: { registry: [{ name: guard }] }", "middleware.registry: "],
    ["middleware: { storage: [{ name: cloudfront, disabled: false }] }", "middleware.storage: "],
    ["policy: { repository: { classes: [image] } }", "policy.repository.classes: "],
    ["validation: { manifests: { urls: { allow: [x] } } }", "validation.manifests.urls: "],
    ["validation: { manifests: { urls: { deny: [x] } } }", "validation.manifests.urls: "],
    ["auth: { silly: { realm: r, service: s } }", "auth: silly "],
    ["auth: silly", "auth: silly "],
    ["auth: { ldap: { password: canary } }", "auth: the provider ldap is not supported"],
    ["auth: { htpasswd: { realm: r, path: /p }, token: {} }", "auth: names several providers"],
    ["auth: htpasswd", "auth.htpasswd: realm, path must be set"],
    [
      "Auth: { htpasswd: { realm: r, path: /p } }",
      "Auth (did you mean auth?): has no effect there",
    ],
    [
      "auht: { htpasswd: { realm: r, path: /p } }",
      "auht (did you mean auth?): has no effect there",
    ],
    ["http: { auth: { htpasswd: { realm: r, path: /p } } }", "http.auth: has no effect there"],
    ["htpasswd: { realm: r, path: /p }", "htpasswd: has no effect there"],
    ["auth: { htpasswd: { realm: r } }", "auth.htpasswd.path: must be set"],
    ["auth: { htpasswd: { path: /p } }", "auth.htpasswd.realm: must be set"],
    [
      "auth: { token: { realm: 'https://t', service: s, issuer: i } }",
      "auth.token.rootcertbundle: ",
    ],
    [
      "auth: { token: { realm: 'https://t', service: s, issuer: i, jwks: /j, autoredirect: true } }",
      "auth.token.autoredirect: ",
    ],
    ["http: { tls: { letsencrypt: { cachefile: /c, email: a@b } } }", "http.tls.letsencrypt: "],
    ["http: { tls: { clientcas: [/a] } }", "http.tls.clientcas: "],
    ["http: { tls: { certificate: /c } }", "http.tls.key: must be set"],
    [
      "http: { tls: { certificate: /c, key: /k, clientcas: [/a], clientauth: request-client-cert } }",
      "http.tls.clientauth: ",
    ],
    ["http: { tls: { certificate: /c, key: /k, ciphersuites: [X] } }", "http.tls.ciphersuites: "],
    ["http: { net: unix, addr: /run/registry.sock }", "http.net: only tcp"],
    ["storage: { s3: { bucket: b, secretkey: canary } }", "storage.s3: the storage driver s3 "],
    ["storage: { azure: { accountkey: canary } }", "storage.azure: "],
    ["storage: { gcs: {} }", "storage.gcs: "],
    ["storage: inmemory", "storage: the storage driver inmemory "],
    ["storage: { inmemory: }", "storage.inmemory: "],
    ["storage: { filesystem: {}, s3: {} }", "storage: names several drivers"],
    ["storage: { delete: { enabled: true } }", "storage: names no driver"],
    ["storage:", "storage: names no driver"],
  ])("%s", (text, message) => {
    const { faults } = translated(text);

    expect(faults).toHaveLength(1);
    expect(faults[0]).toStartWith(message);
    expect(faults[0]).not.toContain("canary");
  });

  test.each([
    "proxy: { ttl: 168h }",
    "middleware: { storage: [{ name: redirect, disabled: true, options: { baseurl: x } }] }",
    "policy: { repository: { classes: [] } }",
    "validation: { disabled: true, manifests: { urls: { deny: [x] } } }",
    "http: { tls: { clientauth: request-client-cert, letsencrypt: { cachefile: , hosts: [] } } }",
  ])("and not where it is off: %s", (text) => {
    expect(translated(text).faults).toEqual([]);
  });
});

describe("a value of the wrong kind is refused, with its place and not with itself", () => {
  test.each([
    ["http: canary", "http: must be a map of settings"],
    ["http: [canary]", "http: must be a map of settings"],
    ["http: { addr: [canary] }", "http.addr: must be one value"],
    ["http: { headers: { X-A: { canary: 1 } } }", "http.headers.X-A: must be a list of values"],
    ["http: { headers: { X-A: [[canary]] } }", "http.headers.X-A: must be a list of values"],
    ["http: { draintimeout: canary }", "http.draintimeout: must be a duration"],
    ["log: { level: canary }", "log.level: must be error, warn, info or debug"],
    ["log: { formatter: constructor }", "log.formatter: must be text, json or logstash"],
    ["http: { tls: { certificate: c, key: k, minimumtls: ssl3 } }", "http.tls.minimumtls: "],
    ["notifications: { endpoints: { name: canary } }", "notifications.endpoints: must be a list"],
    ["notifications: { endpoints: [canary] }", "notifications.endpoints: must be a list of maps"],
    ["notifications: { endpoints: [{ name: a }] }", "notifications.endpoints.0.url: must be set"],
    [
      "notifications: { endpoints: [{ url: 'http://a', threshold: canary }] }",
      "notifications.endpoints.0.threshold: must be a number",
    ],
    [
      "storage: { filesystem: {}, delete: { enabled: canary } }",
      "storage.delete.enabled: must be true or false",
    ],
    [
      "storage: { filesystem: {}, maintenance: { readonly: true } }",
      "storage.maintenance.readonly: must be a map",
    ],
    [
      "validation: { manifests: { indexes: { platforms: some } } }",
      "validation.manifests.indexes.platforms: ",
    ],
  ])("%s", (text, message) => {
    const { faults } = translated(text);

    expect(faults).toHaveLength(1);
    expect(faults[0]).toStartWith(message);
    expect(faults[0]).not.toContain("canary");
  });

  test("all of them at once", () => {
    expect(translated("http: [x]\nlog: { level: x }\nauth: ldap").faults).toHaveLength(3);
  });

  test.each(["0.2", "1", "", "[0.1]"])("also the version: %p", (version) => {
    const document = parseYaml(`version: ${version}\nstorage: filesystem`, "text");

    expect(translate(document as Record<string, unknown>).faults.join()).toContain("version: ");
  });
});

describe("what has no effect is named", () => {
  test.each([
    ["http: { h2c: { enabled: true } }", ["http.h2c"]],
    ["log: { hooks: [{ type: mail, options: { smtp: { password: canary } } }] }", ["log.hooks"]],
    ["log: { reportcaller: true }", ["log.reportcaller"]],
    ["health: { tcp: [{ addr: x }], storagedriver: { enabled: true } }", ["health.tcp"]],
    ["catalog: { maxentries: 10 }", ["catalog"]],
    ["reporting: { bugsnag: { apikey: canary } }", ["reporting"]],
    ["compatibility: { schema1: { enabled: true } }", ["compatibility"]],
    ["htpp: { addr: :1 }", ["htpp (did you mean http?)"]],
    ["http: { port: 1 }", ["http.port"]],
    ["HTTP: { addr: :1 }", ["HTTP (did you mean http?)"]],
    [
      "notifications: { endpoints: [{ name: a, url: 'http://a', retries: 1 }] }",
      ["notifications.endpoints.0.retries"],
    ],
    [
      "storage: { filesystem: {}, maintenance: { uploadpurging: { enabled: false, age: 1h, interval: 1h, dryrun: true } } }",
      ["enabled", "age", "dryrun"].map((key) => `storage.maintenance.uploadpurging.${key}`),
    ],
  ])("%s", (text, unused) => {
    expect(translated(text)).toMatchObject({ faults: [], unused });
  });

  test("apart from what is done without being told", () => {
    const { unused, needless } = translated(`
storage:
  filesystem: { maxthreads: 100 }
  cache: { blobdescriptor: redis }
  redirect: { disable: true }
  tag: { concurrencylimit: 8 }
  maintenance: { uploadpurging: { enabled: true, age: 168h, interval: 24h, dryrun: false } }
http: { secret: canary, relativeurls: true, http2: { disabled: false }, h2c: { enabled: false } }
redis: { addr: x, password: canary }
health: { storagedriver: { enabled: true, interval: 10s, threshold: 3 } }`);

    expect(unused).toEqual([]);
    expect(needless.toSorted()).toEqual([
      "health.storagedriver",
      "http.http2",
      "http.relativeurls",
      "http.secret",
      "redis",
      "storage.cache",
      "storage.filesystem.maxthreads",
      "storage.maintenance.uploadpurging.interval",
      "storage.redirect",
      "storage.tag",
    ]);
  });

  test.each([
    ["http: { host: registry.example.com }", "http.host is not an http or https URL"],
    ["http: { debug: { addr: :1, prometheus: { path: /m } } }", "http.debug.prometheus.path"],
    [
      "http: { tls: { certificate: c, key: k, minimumtls: tls1.0 } }",
      "http.tls.minimumtls: 1.2 is",
    ],
    ["log: { formatter: logstash }", "log.formatter: logstash is written as json"],
    [
      "notifications: { endpoints: [{ name: a, url: 'http://a', timeout: 500 }] }",
      "notifications.endpoints.0.timeout is a number of nanoseconds",
    ],
    [
      "notifications: { endpoints: [{ name: a, url: 'http://a', ignore: { actions: [pul] } }] }",
      'notifications.endpoints.0.ignore.actions: there is no action "pul"',
    ],
  ])("and what is done otherwise: %s", (text, remark) => {
    const { remarks, faults } = translated(text);

    expect(faults).toEqual([]);
    expect(remarks).toHaveLength(1);
    expect(remarks[0]).toStartWith(remark);
  });
});
