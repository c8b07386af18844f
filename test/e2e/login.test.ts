import { expect, setDefaultTimeout, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { containersIn } from "../support/containers.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { multiPlatformImage, writeLayout } from "../support/layout.ts";
import { type Peer, clientPath } from "../support/peers.ts";
import { run } from "../support/run.ts";
import type { Server } from "../support/server.ts";
import { startClosedWharf } from "../support/users.ts";

setDefaultTimeout(120_000);

const USERS = { ann: "a pass:word with ümlauts", bob: "bobs", ci: "x".repeat(90) };
const auth = {
  anonymousPull: ["public/**"],
  groups: { readers: ["bob"] },
  rules: [
    { repositories: ["**"], users: ["ann"], allow: ["pull", "push", "delete"] },
    { repositories: ["team/**"], groups: ["readers"], allow: ["pull"] },
    { repositories: ["ci/**"], users: ["ci"], allow: ["pull", "push"] },
  ],
};

/** A client with its own credentials, at a server that asks for them. */
async function given(peer: Peer, folder: Folder) {
  const server: Server = await startClosedWharf(folder, { users: USERS, auth });
  const env = await containersIn(folder.at(peer));
  const { amd64 } = await multiPlatformImage();
  await writeLayout(folder.at("in"), { v1: amd64 });
  return {
    server,
    /** Rejects with what the client said. */
    client: async (...words: string[]) =>
      await run([clientPath(peer), ...words], { env, cwd: folder.path }),
    login: async (user: keyof typeof USERS, password: string = USERS[user]) =>
      await run(
        [clientPath(peer), "login", "--tls-verify=false", "-u", user, "-p", password, server.host],
        { env },
      ),
    credentials: async () => await readFile(env["REGISTRY_AUTH_FILE"] ?? "", "utf8"),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const source = (folder: Folder): string => `oci:${folder.at("in")}:v1`;

group("skopeo with a password", ["skopeo"], () => {
  const copy = ["--insecure-policy", "copy", "--quiet", "--retry-times=0"];
  const plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];

  test("logs in, pushes, lists and deletes", async () => {
    await using folder = await temporaryFolder();
    await using it = await given("skopeo", folder);
    const app = `docker://${it.server.host}/team/app`;
    expect(await it.login("ann")).toContain("Login Succeeded");
    await it.client(...copy, ...plain, source(folder), `${app}:v1`);
    expect(await it.client("list-tags", "--tls-verify=false", app)).toContain('"v1"');
    await it.client("delete", "--tls-verify=false", `${app}:v1`);
  });

  test("with a wrong password cannot log in, and hears why", async () => {
    await using folder = await temporaryFolder();
    await using it = await given("skopeo", folder);
    expect(it.login("ann", "wrong")).rejects.toThrow(/invalid username\/password|unauthorized/);
    expect(await it.credentials()).toBe("{}");
  });

  test("may do what the rules allow, and no more", async () => {
    await using folder = await temporaryFolder();
    await using it = await given("skopeo", folder);
    const at = (name: string): string => `docker://${it.server.host}/${name}:v1`;
    await it.login("ann");
    for (const name of ["team/app", "public/app", "secret/app"]) {
      await it.client(...copy, ...plain, source(folder), at(name));
    }

    await it.login("bob");
    await it.client(...copy, ...plain, at("team/app"), `dir:${folder.at("pulled")}`);
    expect(it.client(...copy, ...plain, source(folder), at("team/other"))).rejects.toThrow(
      /denied|may not/,
    );
    expect(
      it.client(...copy, ...plain, at("secret/app"), `dir:${folder.at("no")}`),
    ).rejects.toThrow(/name unknown|unknown to this registry/);
    await it.login("ci");
    await it.client(...copy, ...plain, source(folder), at("ci/a/b"));
  });

  test("without a password pulls what is public, and nothing else", async () => {
    await using folder = await temporaryFolder();
    await using it = await given("skopeo", folder);
    const at = (name: string): string => `docker://${it.server.host}/${name}:v1`;
    await it.login("ann");
    for (const name of ["public/app", "secret/app"]) {
      await it.client(...copy, ...plain, source(folder), at(name));
    }
    await it.client("logout", it.server.host);
    await it.client(...copy, ...plain, at("public/app"), `dir:${folder.at("pulled")}`);
    for (const name of ["secret/app", "secret/none"]) {
      expect(it.client(...copy, ...plain, at(name), `dir:${folder.at("no")}`)).rejects.toThrow(
        /authentication required|unauthorized/,
      );
    }
  });
});

for (const peer of ["podman", "buildah"] as const) {
  group(`${peer} with a password`, [peer], () => {
    test("logs in, pushes and pulls; logged out it cannot", async () => {
      await using folder = await temporaryFolder();
      await using it = await given(peer, folder);
      const app = `${it.server.host}/team/app:v1`;
      const pull = async () => await it.client("pull", "--tls-verify=false", `docker://${app}`);
      expect(it.login("ann", "wrong")).rejects.toThrow(/invalid username\/password|unauthorized/);
      await it.login("ann");
      const id = (await it.client("pull", "--quiet", "oci:in:v1")).trim();
      await it.client("push", "--tls-verify=false", id, `docker://${app}`);
      await it.client("rmi", "--all", "--force");
      await pull();
      await it.client("logout", it.server.host);
      await it.client("rmi", "--all", "--force");
      expect(pull()).rejects.toThrow(/authentication required|unauthorized/);
    });
  });
}
