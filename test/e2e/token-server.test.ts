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

/** Debian's registry with the token settings that ours gets as well. */
async function dockerRegistry(folder: Folder, rootcertbundle: string): Promise<Server> {
  return await startServer({
    command: (listen) => {
      const config = {
        version: "0.1",
        storage: { filesystem: { rootdirectory: folder.at("theirs") }, delete: { enabled: true } },
        http: { addr: listen, secret: "tests" },
        auth: { token: { realm: REALM, service: SERVICE, issuer: ISSUER, rootcertbundle } },
      };
      const script = `exec "$1" serve /dev/stdin <<END\n$2\nEND`;
      return ["sh", "-c", script, "sh", clientPath("docker-registry"), JSON.stringify(config)];
    },
    env: { PATH: process.env["PATH"] },
    ready: { path: "/v2/", statuses: [401] },
  });
}

async function ours(folder: Folder, rootCertBundle: string): Promise<Server> {
  const token = { realm: REALM, service: SERVICE, issuer: ISSUER, rootCertBundle };
  await writeFile(folder.at("wharf.yaml"), JSON.stringify({ auth: { token } }));
  return await startWharf({
    data: folder.at("ours"),
    args: [folder.at("wharf.yaml")],
    ready: [401],
  });
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
