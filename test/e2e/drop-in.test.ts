import { expect, setDefaultTimeout, test } from "bun:test";
import { selfSigned } from "../support/certificates.ts";
import { startOurs, startTheirs } from "../support/drop-in.ts";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image, type Fixture } from "../support/image.ts";

setDefaultTimeout(60_000);

const CONFIG = `version: 0.1
log: { fields: { service: registry } }
storage:
  cache: { blobdescriptor: inmemory }
  filesystem: { rootdirectory: /var/lib/registry }
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health: { storagedriver: { enabled: true, interval: 10s, threshold: 3 } }
`;

/** What is compared: the same questions to both, and what of the answers must be the same. */
type Ask = (url: string, pushed: Fixture) => Promise<Record<string, string | number | null>>;

/** Beside the port that both are given: a free one for their debug listeners. */
const debugPort = 10_000 + Math.floor(Math.random() * 20_000);

interface Case {
  readonly name: string;
  readonly env: (folder: string) => Record<string, string>;
  readonly ask: Ask;
  /** Where it answers, if not at /v2/. */
  readonly ready?: string;
  /** Nothing can be pushed to it, or not without more ado. */
  readonly empty?: true;
}

async function status(method: string, url: string, headers = {}): Promise<number> {
  const response = await fetch(url, { method, headers });
  await response.body?.cancel();
  return response.status;
}

async function header(method: string, url: string, name: string): Promise<string | null> {
  const response = await fetch(url, { method });
  await response.body?.cancel();
  return response.headers.get(name);
}

/** Without it the other one answers 404: it takes the asker for one of before these formats. */
const ACCEPT = { accept: "application/vnd.oci.image.manifest.v1+json" };
const MISSING = `sha256:${"0".repeat(64)}`;

const statuses: Ask = async (url, { digest }) => ({
  root: await status("GET", `${url}/`),
  support: await status("GET", `${url}/v2/`),
  catalog: await status("GET", `${url}/v2/_catalog`),
  tags: await status("GET", `${url}/v2/team/app/tags/list`),
  noTags: await status("GET", `${url}/v2/none/tags/list`),
  manifest: await status("GET", `${url}/v2/team/app/manifests/v1`, ACCEPT),
  noManifest: await status("GET", `${url}/v2/team/app/manifests/v9`),
  noBlob: await status("HEAD", `${url}/v2/team/app/blobs/${MISSING}`),
  upload: await status("POST", `${url}/v2/team/app/blobs/uploads/`),
  badMount: await status("POST", `${url}/v2/team/app/blobs/uploads/?mount=${MISSING}&from=x`),
  nowhere: await status("GET", `${url}/v2/team/app/nothing`),
  version: await header("GET", `${url}/v2/`, "docker-distribution-api-version"),
  deletion: await status("DELETE", `${url}/v2/team/app/manifests/${digest}`),
  afterwards: await status("GET", `${url}/v2/team/app/manifests/${digest}`, ACCEPT),
});

const locations: Ask = async (url) => {
  const location = await header("POST", `${url}/v2/team/app/blobs/uploads/`, "location");
  return { location: location?.replace(/\/uploads\/.*/, "/uploads/ID") ?? null };
};

const alice = `Basic ${btoa("alice:correct horse")}`;

const cases: readonly Case[] = [
  { name: "as the image has it: nothing can be deleted", env: () => ({}), ask: statuses },
  {
    name: "with deletion",
    env: () => ({ REGISTRY_STORAGE_DELETE_ENABLED: "true" }),
    ask: statuses,
  },
  {
    name: "with deletion, in another way of writing it",
    env: () => ({ REGISTRY_STORAGE_DELETE: "{enabled: on}" }),
    ask: statuses,
  },
  {
    name: "with headers on every answer",
    env: () => ({
      "REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin": "[http://registry-ui]",
      "REGISTRY_HTTP_HEADERS_X-Two": "[one, two]",
    }),
    ask: async (url) => ({
      origin: await header("GET", `${url}/v2/`, "access-control-allow-origin"),
      two: await header("GET", `${url}/v2/`, "x-two"),
      sniff: await header("GET", `${url}/v2/`, "x-content-type-options"),
      refused: await header(
        "GET",
        `${url}/v2/team/app/manifests/v9`,
        "access-control-allow-origin",
      ),
    }),
  },
  {
    name: "behind a proxy, with a host",
    env: () => ({ REGISTRY_HTTP_HOST: "https://hub.example:5000" }),
    empty: true,
    ask: locations,
  },
  {
    name: "with relative URLs",
    env: () => ({ REGISTRY_HTTP_RELATIVEURLS: "true" }),
    ask: locations,
  },
  {
    name: "below a prefix",
    env: () => ({ REGISTRY_HTTP_PREFIX: "/hub/" }),
    ready: "/hub/v2/",
    empty: true,
    ask: async (url) => ({
      // Theirs is absolute there. Relative to the host, ours is, and theirs forgets the prefix.
      location:
        (await locations(`${url}/hub`, image()))["location"]?.toString().replace(url, "") ?? null,
      below: await status("GET", `${url}/hub/v2/`),
      outside: await status("GET", `${url}/v2/`),
      beside: await status("GET", `${url}/hubs/v2/`),
      root: await status("GET", `${url}/`),
    }),
  },
  {
    name: "read-only",
    env: () => ({ REGISTRY_STORAGE_MAINTENANCE_READONLY: "{enabled: true}" }),
    empty: true,
    ask: async (url) => ({
      support: await status("GET", `${url}/v2/`),
      upload: await status("POST", `${url}/v2/team/app/blobs/uploads/`),
      manifest: await status("PUT", `${url}/v2/team/app/manifests/v1`),
      deletion: await status("DELETE", `${url}/v2/team/app/manifests/${MISSING}`),
    }),
  },
  {
    name: "with passwords",
    env: (folder) => ({
      REGISTRY_AUTH: "htpasswd",
      REGISTRY_AUTH_HTPASSWD_REALM: "Registry Realm",
      REGISTRY_AUTH_HTPASSWD_PATH: `${folder}/htpasswd`,
    }),
    empty: true,
    ask: async (url) => ({
      root: await status("GET", `${url}/`),
      nobody: await status("GET", `${url}/v2/`),
      challenge: await header("GET", `${url}/v2/`, "www-authenticate"),
      pull: await status("GET", `${url}/v2/team/app/tags/list`),
      upload: await status("POST", `${url}/v2/team/app/blobs/uploads/`),
      alice: await status("GET", `${url}/v2/`, { authorization: alice }),
      push: await status("POST", `${url}/v2/team/app/blobs/uploads/`, { authorization: alice }),
      wrong: await status("GET", `${url}/v2/`, { authorization: `Basic ${btoa("alice:x")}` }),
      unknown: await status("GET", `${url}/v2/`, { authorization: `Basic ${btoa("bob:x")}` }),
    }),
  },
];

const debugging: Case = {
  name: "with a debug listener",
  env: () => ({
    REGISTRY_HTTP_DEBUG_ADDR: `127.0.0.1:${debugPort}`,
    REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED: "true",
  }),
  ask: async () => {
    const debug = `http://127.0.0.1:${debugPort}`;
    const health = await fetch(`${debug}/debug/health`);
    const metrics = await fetch(`${debug}/metrics`);
    await metrics.body?.cancel();
    return {
      health: health.status,
      healthy: await health.text(),
      metrics: metrics.status,
      kind: metrics.headers.get("content-type")?.split(";")[0] ?? null,
    };
  },
};

const tokens: Case = {
  name: "with a token server",
  env: (folder) => ({
    REGISTRY_AUTH: "token",
    REGISTRY_AUTH_TOKEN_REALM: "https://auth.example/token",
    REGISTRY_AUTH_TOKEN_SERVICE: "Docker registry",
    REGISTRY_AUTH_TOKEN_ISSUER: "Auth service",
    REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE: `${folder}/signer.crt`,
  }),
  empty: true,
  ask: async (url) => {
    const tags = `${url}/v2/team/app/tags/list`;
    const upload = `${url}/v2/team/app/blobs/uploads/`;
    return {
      root: await status("GET", `${url}/`),
      support: await header("GET", `${url}/v2/`, "www-authenticate"),
      pull: await header("GET", tags, "www-authenticate"),
      push: scopes(await header("POST", upload, "www-authenticate")),
      catalog: await header("GET", `${url}/v2/_catalog`, "www-authenticate"),
      basic: await status("GET", tags, { authorization: alice }),
      nonsense: await status("GET", tags, { authorization: "Bearer a.b.c" }),
    };
  },
};

/** The order in which the actions of a scope are named says nothing. */
function scopes(challenge: string | null): string | null {
  const sorted = (_: string, actions: string) => `:${actions.split(",").toSorted().join(",")}"`;
  return challenge?.replace(/:([a-z,]+)"/, sorted) ?? null;
}

group(
  "the same configuration, given to us and to docker-registry",
  ["docker-registry", "openssl"],
  () => {
    test.each([...cases, debugging, tokens])(
      "behaves the same: $name",
      async ({ env, ask, ready, empty }) => {
        await using folder = await temporaryFolder();
        await Bun.write(folder.at("config.yml"), CONFIG);
        const hash = await Bun.password.hash("correct horse", { algorithm: "bcrypt", cost: 5 });
        await Bun.write(folder.at("htpasswd"), `alice:${hash.replace("$2b$", "$2y$")}\n`);
        await selfSigned(folder.path, "signer");
        const pushed = image();
        const answers = async (start: typeof startOurs, data: string) => {
          await using server = await start({
            config: folder.at("config.yml"),
            env: env(folder.path),
            data: folder.at(data),
            ...(ready !== undefined && { ready: { path: ready, statuses: [200] } }),
          });
          if (empty !== true) await pushed.push(server.url, "team/app", "v1");
          return await ask(server.url, pushed);
        };

        const theirs = await answers(startTheirs, "theirs");
        const ours = await answers(startOurs, "ours");

        expect(ours).toEqual(theirs);
      },
    );
  },
);
