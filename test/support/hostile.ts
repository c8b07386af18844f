import type { CredentialSource } from "../../src/client/auth/credentials.ts";
import type { Connection } from "../../src/client/connection.ts";
import { listTags } from "../../src/client/lists.ts";
import {
  type RegistryEntry,
  type Surroundings,
  openRegistry,
} from "../../src/client/open-registry.ts";
import { parseName } from "../../src/oci/name.ts";
import { type FakeProxy, fakeProxy } from "./fake-proxy.ts";
import { type FakeRegistry, type Heard, fakeRegistry, ociError } from "./fake-registry.ts";

/** The password in all these tests: it must turn up nowhere else. */
export const CANARY = "canary-hunter2-7f3a";
export const BASIC = `Basic ${Buffer.from(`me:${CANARY}`).toString("base64")}`;
export const NOBODY: CredentialSource = { find: async () => null };

/** As somebody with a password, impatient, on a machine on which nothing else is set. */
export function connectAs(
  url: string,
  entry: Partial<RegistryEntry> = {},
  around: Partial<Surroundings> = {},
): Connection {
  return openRegistry(
    { url, retries: 0, username: "me", password: CANARY, ...entry },
    { environment: {}, certificates: [], ...around },
  );
}

/** The same without credentials. */
export function connectAsNobody(
  url: string,
  entry: Partial<RegistryEntry> = {},
  around: Partial<Surroundings> = {},
): Connection {
  const { username: _, password: __, ...rest } = { username: "", password: "", ...entry };
  return openRegistry(
    { url, retries: 0, ...rest },
    { environment: {}, certificates: [], stored: NOBODY, ...around },
  );
}

export function challenge(header: string): Response {
  return ociError(401, "UNAUTHORIZED", "", { "www-authenticate": header });
}

/** An address of the internet, as far as anybody here can tell: nothing is ever sent there. */
export const PUBLIC_ADDRESS = "93.184.216.34";

/** A fake registry that looks as if it were out in the internet: a proxy leads to it. */
export interface PublicRegistry extends AsyncDisposable {
  /** `http://registry.example.com`. */
  readonly url: string;
  readonly registry: FakeRegistry;
  readonly proxy: FakeProxy;
  /** What a connection to it needs to know. */
  readonly entry: Partial<RegistryEntry>;
  readonly around: Partial<Surroundings>;
}

/** `names`: addresses of other names; all that are not there are public. */
export async function publicRegistry(
  answer: (asked: Heard, url: string) => Response | Promise<Response>,
  names: Readonly<Record<string, readonly string[]>> = {},
): Promise<PublicRegistry> {
  const registry = fakeRegistry(answer);
  const port = Number(new URL(registry.url).port);
  const hosts = ["registry.example.com", "auth.example.com", "cdn.example.net", "auth.example.org"];
  const proxy = await fakeProxy(Object.fromEntries(hosts.map((host) => [host, port])));
  return {
    url: "http://registry.example.com",
    registry,
    proxy,
    entry: { proxy: proxy.url },
    around: { lookUp: async (name) => names[name] ?? [PUBLIC_ADDRESS] },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

/** The tags of the one repository that is asked for. */
export function tagsOfApp(connection: Connection): Promise<string[]> {
  return Array.fromAsync(listTags(connection, parseName("app")));
}

/** A list of its tags, as a registry without guile sends it. */
export const tagsPage = (): Response => Response.json({ name: "app", tags: ["1"] });
