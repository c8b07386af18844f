import { expect, test } from "bun:test";
import { writeFile, chmod } from "node:fs/promises";
import { inspect } from "node:util";
import { fakeProxy } from "../../test/support/fake-proxy.ts";
import { type Heard, fakeRegistry, ociError } from "../../test/support/fake-registry.ts";
import { temporaryFolder } from "../../test/support/folder.ts";
import { challenge } from "../../test/support/hostile.ts";
import { parseName } from "../oci/name.ts";
import { parseReference } from "../oci/reference.ts";
import { listTags } from "./lists.ts";
import { deleteManifest, getManifest } from "./manifests.ts";
import { type RegistryEntry, type Surroundings, openRegistry } from "./open-registry.ts";

/**
 * A secret in every place where there may be one, and registries that do what they can to get it shown or
 * sent elsewhere. It must be in no error, and nobody but the registry and its token server may hear of it.
 */
const SECRET = "canary-5f2c-secret";
const name = parseName("app");
const tag = parseReference("1");

interface Slot {
  readonly what: string;
  readonly entry: (proxy: string) => Partial<RegistryEntry>;
  /** Files of docker in a folder that is named by DOCKER_CONFIG and the PATH. */
  readonly files: (host: string) => Readonly<Record<string, string>>;
}

const none = (): Record<string, string> => ({});
const auths = (entry: object) => (host: string) => ({
  "config.json": JSON.stringify({ auths: { [host]: entry } }),
});
const helper = (username: string) => (host: string) => ({
  "config.json": JSON.stringify({ credHelpers: { [host]: "canary" } }),
  "docker-credential-canary": `#!/bin/sh\necho '{"Username":"${username}","Secret":"${SECRET}"}'\n`,
});
const slots: readonly Slot[] = [
  {
    what: "the password of the entry",
    entry: () => ({ username: "me", password: SECRET }),
    files: none,
  },
  {
    what: "the proxy of the entry",
    entry: (proxy) => ({
      proxy: proxy.replace("//", `//me:${SECRET}@`),
      username: "me",
      password: "plain",
    }),
    files: none,
  },
  {
    what: "the password of docker login",
    entry: () => ({}),
    files: auths({ auth: btoa(`me:${SECRET}`) }),
  },
  { what: "an identity token", entry: () => ({}), files: auths({ identitytoken: SECRET }) },
  { what: "a registry token", entry: () => ({}), files: auths({ registrytoken: SECRET }) },
  { what: "a helper's password", entry: () => ({}), files: helper("me") },
  { what: "a helper's token", entry: () => ({}), files: helper("<token>") },
];

/** What a registry does when it has been shown a secret. `other` is the address of somebody else. */
type Attack = (asked: Heard, other: string) => Response;
const echo = ({ authorization, headers, body }: Heard): string =>
  `${authorization} ${JSON.stringify(headers)} ${body} ${SECRET}`;
const attacks: Readonly<Record<string, Attack>> = {
  "repeats all in an error": (asked) => ociError(403, "DENIED", echo(asked)),
  "repeats all in a 500": (asked) => ociError(500, "UNKNOWN", echo(asked)),
  "repeats all in a code": (asked) => ociError(400, echo(asked)),
  "repeats all in a web page": (asked) =>
    new Response(echo(asked), { headers: { "content-type": "text/html" } }),
  "repeats all where JSON should be": (asked) => new Response(echo(asked)),
  redirects: (_, other) =>
    new Response(null, {
      status: 307,
      headers: { location: `${other}/?${encodeURIComponent(SECRET)}` },
    }),
  "never lets anybody in": () => challenge(`Bearer realm="${SECRET}"`),
  "asks for it elsewhere": (_, other) =>
    challenge(`Bearer realm="${other.replace("127.0.0.1", "localhost")}/token"`),
  "redirects to a host that is called like it": () =>
    new Response(null, { status: 307, headers: { location: `https://${SECRET}.example.org/` } }),
  "asks for it at a host that is called like it": () =>
    challenge(`Bearer realm="https://${SECRET}.example.org/token"`),
  "goes on at an address with it": ({ path }) =>
    path.includes(SECRET)
      ? ociError(401, "UNAUTHORIZED")
      : Response.json(
          { tags: ["1"] },
          { headers: { link: `</v2/app/tags/list?last=${SECRET}>; rel="next"` } },
        ),
};

async function attempts(entry: RegistryEntry, around: Surroundings): Promise<unknown[]> {
  const failures: unknown[] = [];
  const connection = openRegistry({ retries: 0, ...entry }, around);
  for (const work of [
    () => Array.fromAsync(listTags(connection, name)),
    () => getManifest(connection, name, tag),
    () => deleteManifest(connection, name, tag),
  ]) {
    await work().catch((error: unknown) => failures.push(error));
  }
  return failures;
}

for (const { what, entry, files } of slots) {
  test.each(Object.keys(attacks))(
    `${what} stays where it belongs when a registry %s`,
    async (attack) => {
      await using folder = await temporaryFolder();
      await using other = fakeRegistry(() => Response.json({ token: "T" }));
      await using hostile = fakeRegistry((asked, url) => {
        if (asked.path.startsWith("/token")) return Response.json({ token: `T-${SECRET}` });
        if (asked.authorization !== null) return attacks[attack]!(asked, other.url);
        return challenge(`Bearer realm="${url}/token", Basic realm="x"`);
      });
      await using proxy = await fakeProxy();
      for (const [file, text] of Object.entries(files(hostile.host))) {
        await writeFile(folder.at(file), text);
        await chmod(folder.at(file), 0o755);
      }
      const environment = { DOCKER_CONFIG: folder.path, PATH: `${folder.path}:/usr/bin:/bin` };

      // Who asks for a name tells it to many.
      const lookUp = async (host: string) => {
        expect(host.toLowerCase()).not.toContain(SECRET);
        return ["127.0.0.1"];
      };

      const failures = await attempts(
        { url: hostile.url, ...entry(proxy.url) },
        { environment, certificates: [], lookUp },
      );

      for (const failure of failures) {
        const shown = `${inspect(failure, { depth: 10 })} ${Bun.inspect(failure)} ${JSON.stringify(failure)}`;
        expect(shown).not.toContain(SECRET);
        expect(shown).not.toContain(btoa(`me:${SECRET}`));
      }
      for (const { authorization, body, headers } of other.heard) {
        expect([authorization, body, JSON.stringify(headers)].join(" ")).not.toContain(SECRET);
        expect(authorization).toBeNull();
      }
      // The test is of use only when the registry was shown what it asked for.
      expect(hostile.heard.some(({ authorization }) => authorization !== null)).toBe(true);
    },
  );
}
