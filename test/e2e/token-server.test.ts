import { expect, setDefaultTimeout, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { temporaryFolder, type Folder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { startServer, type Server } from "../support/process.ts";
import { clientPath } from "../support/peers.ts";
import { startWharf } from "../support/server.ts";
import { ISSUER, SERVICE, tokenCases, trusted } from "../support/token-cases.ts";

setDefaultTimeout(120_000);

const REALM = "http://127.0.0.1:1/token";

/** One configuration, in the words of the distribution registry, for both. */
function settings(listen: string, rootdirectory: string, rootcertbundle: string): string {
  return JSON.stringify({
    version: "0.1",
    storage: { filesystem: { rootdirectory }, delete: { enabled: true } },
    http: { addr: listen, secret: "tests" },
    auth: { token: { realm: REALM, service: SERVICE, issuer: ISSUER, rootcertbundle } },
  });
}

async function dockerRegistry(folder: Folder, bundle: string): Promise<Server> {
  return await startServer({
    command: (listen) => {
      const script = `exec "$1" serve /dev/stdin <<END\n$2\nEND`;
      const config = settings(listen, folder.at("theirs"), bundle);
      return ["sh", "-c", script, "sh", clientPath("docker-registry"), config];
    },
    env: { PATH: process.env["PATH"] },
    ready: { path: "/v2/", statuses: [401] },
  });
}

async function ours(folder: Folder, bundle: string): Promise<Server> {
  const file = folder.at("config.yml");
  await writeFile(file, settings("127.0.0.1:0", folder.at("ours"), bundle));
  return await startWharf({ data: folder.at("ours"), args: [file], ready: [401] });
}

const REQUESTS = [
  "GET /v2/",
  "GET /v2/_catalog",
  "GET /v2/team/app/tags/list",
  "HEAD /v2/team/app/manifests/1",
  "PUT /v2/team/app/manifests/1",
  "POST /v2/team/app/blobs/uploads/",
  `DELETE /v2/team/app/manifests/sha256:${"0".repeat(64)}`,
  "GET /v2/other/tags/list",
];

/** For each request whether it was let in, and if not, what the challenge says of the token. */
async function admitted({ url }: Server, authorization: string): Promise<string[]> {
  const asked = REQUESTS.map(async (request) => {
    const [method = "", path = ""] = request.split(" ");
    const { status, headers } = await fetch(url + path, { method, headers: { authorization } });
    if (status === 431) return `${request}: too large`;
    if (status !== 401) return `${request}: in`;
    const challenge = headers.get("www-authenticate") ?? "";
    return `${request}: out ${/error="(\w+)"/.exec(challenge)?.[1] ?? ""}`;
  });
  return await Promise.all(asked);
}

group("tokens of a token server elsewhere", ["docker-registry"], () => {
  test("ours lets in whom docker-registry lets in, to the same places, and nobody else", async () => {
    await using folder = await temporaryFolder();
    const known = trusted();
    const bundle = folder.at("bundle.pem");
    const certificates = Object.values(known).map(({ certificate }) => certificate.toString());
    await writeFile(bundle, certificates.join("\n"));
    await using theirs = await dockerRegistry(folder, bundle);
    await using mine = await ours(folder, bundle);

    const differences: unknown[] = [];
    const cases = await tokenCases(known);
    let letIn = 0;
    for (const { what, authorization, differs } of cases) {
      const [their, own] = [
        await admitted(theirs, authorization),
        await admitted(mine, authorization),
      ];
      if (own.some((answer) => answer.endsWith(": in"))) letIn++;
      if (Bun.deepEquals(their, own) !== (differs === undefined)) {
        differences.push({ what, differs, their, own });
      }
    }
    expect(differences).toEqual([]);
    // Neither of them says the same to all.
    expect(letIn).toBeGreaterThan(30);
    expect(cases.length - letIn).toBeGreaterThan(40);
  });
});
