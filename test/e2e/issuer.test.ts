import { expect, setDefaultTimeout, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildContext } from "../support/build.ts";
import { holder } from "../support/holders.ts";
import { containersIn } from "../support/containers.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder, type Folder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { differences, multiPlatformImage, writeLayout } from "../support/layout.ts";
import { clientPath, type Peer } from "../support/peers.ts";
import { run } from "../support/run.ts";
import { againstDockerRegistry, startWharf, type Server } from "../support/server.ts";
import { tokenServer } from "../support/token-server.ts";
import { startClosedWharf } from "../support/users.ts";

const patience = 120_000;
setDefaultTimeout(patience);
const plain = "--tls-verify=false";
const wharf = join(import.meta.dir, "..", "..", "bin", "wharf.mjs");

/** Our registry with an issuer: ann may do everything, bob may pull below team. */
async function issuing(folder: Folder): Promise<Server> {
  const auth = {
    issuer: {},
    anonymousPull: ["public/**"],
    rules: [
      { repositories: ["**"], users: ["ann"], allow: ["pull", "push", "delete"] },
      { repositories: ["team/**"], users: ["bob"], allow: ["pull"] },
    ],
  };
  const settings = { log: { level: "debug" } };
  return await startClosedWharf(folder, { users: { ann: "ann's", bob: "bob's" }, auth, settings });
}

/** `wharf token …` beside the server that runs. */
async function token(folder: Folder, ...args: string[]): Promise<string> {
  const where = ["--data", folder.at("data"), "-c", folder.at("wharf.yaml")];
  return (await run(["node", wharf, "token", ...args, ...where])).trim();
}

type Client = (...command: string[]) => Promise<string>;

async function machine(folder: Folder, peer: Peer, name: string): Promise<Client> {
  const env = await containersIn(folder.at(name));
  return async (...command) =>
    (await run([clientPath(peer), ...command], { env, timeout: patience })).trim();
}

const refused = async (work: Promise<unknown>): Promise<string> =>
  work.then(() => "not refused", String);

if (!againstDockerRegistry) {
  group("skopeo with tokens", ["skopeo"], () => {
    test("a token of ci pushes and pulls where it says, until it is revoked", async () => {
      await using folder = await temporaryFolder();
      await using server = await issuing(folder);
      const { index } = await multiPlatformImage();
      await writeLayout(folder.at("in"), { v1: index });
      const skopeo = await machine(folder, "skopeo", "ci");
      const secret = await token(
        folder,
        "create",
        "--user",
        "ann",
        "--repo",
        "ci/**",
        "--push",
        "--expires",
        "90d",
      );
      await skopeo("login", plain, "-u", "ann", "-p", secret, server.host);
      const push = (name: string): Promise<string> =>
        skopeo(
          "--insecure-policy",
          "copy",
          "-q",
          "--all",
          "--dest-tls-verify=false",
          `oci:${folder.at("in")}:v1`,
          `docker://${server.host}/${name}`,
        );
      const pull = (name: string, out: string): Promise<string> =>
        skopeo(
          "--insecure-policy",
          "copy",
          "-q",
          "--all",
          "--src-tls-verify=false",
          `docker://${server.host}/${name}`,
          `oci:${folder.at(out)}:v1`,
        );

      await push("ci/app:v1");
      await pull("ci/app:v1", "out");
      expect(await differences(folder.at("out"), index)).toEqual([]);
      expect(await refused(push("team/app:v1"))).toMatch(
        /denied|unauthorized|authentication required/i,
      );
      expect(await refused(pull("team/app:v1", "none"))).toMatch(/denied|unauthorized|unknown/i);
      expect(await refused(skopeo("delete", plain, `docker://${server.host}/ci/app:v1`))).toMatch(
        /unauthorized|denied|authentication|401/i,
      );

      const { tokens } = JSON.parse(await token(folder, "list", "--json")) as {
        tokens: { id: string; lastUsed: string | null }[];
      };
      expect(tokens).toHaveLength(1);
      expect(tokens[0]!.lastUsed).not.toBeNull();
      await token(folder, "revoke", tokens[0]!.id);
      const message = await eventually(
        () => refused(pull("ci/app:v1", `gone-${Bun.randomUUIDv7()}`)),
        (said) => said !== "not refused",
        3000,
      );
      expect(message).toMatch(/unauthorized|invalid username\/password|authentication/i);
      expect(await refused(skopeo("login", plain, "-u", "ann", "-p", secret, server.host))).toMatch(
        /invalid username\/password|unauthorized/i,
      );
      // Nothing that opens anything was written down, at the most talkative level.
      expect(server.logs()).toContain("/token");
      for (const said of [secret, secret.split("_")[2]!, "eyJ", "ann's"]) {
        expect([said, server.logs().includes(said)]).toEqual([said, false]);
      }
    });

    test("what is public is pulled without a password, and nothing else is", async () => {
      await using folder = await temporaryFolder();
      await using server = await issuing(folder);
      const { index } = await multiPlatformImage();
      await writeLayout(folder.at("in"), { v1: index });
      const [ann, nobody] = [
        await machine(folder, "skopeo", "ann"),
        await machine(folder, "skopeo", "nobody"),
      ];
      await ann("login", plain, "-u", "ann", "-p", "ann's", server.host);
      for (const name of ["public/app", "team/app"]) {
        await ann(
          "--insecure-policy",
          "copy",
          "-q",
          "--all",
          "--dest-tls-verify=false",
          `oci:${folder.at("in")}:v1`,
          `docker://${server.host}/${name}:v1`,
        );
      }
      // Layers that another repository has are mounted: with a token for both.
      await ann(
        "--insecure-policy",
        "copy",
        "-q",
        "--all",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        `docker://${server.host}/team/app:v1`,
        `docker://${server.host}/other/app:v1`,
      );
      const inspect = (name: string): Promise<string> =>
        nobody("inspect", "--raw", plain, `docker://${server.host}/${name}:v1`);
      expect(JSON.parse(await inspect("public/app"))).toMatchObject({ schemaVersion: 2 });
      expect(await refused(inspect("team/app"))).toMatch(
        /unauthorized|authentication|invalid username\/password/i,
      );
      await ann("delete", plain, `docker://${server.host}/team/app:v1`);
    });

    test("a token server elsewhere lets in whom it knows", async () => {
      await using folder = await temporaryFolder();
      const signer = holder("tokens");
      const settings = { service: "registry", issuer: "tokens" };
      const may = ["pull team/app", "push team/app"];
      await using tokens = tokenServer({
        signer,
        ...settings,
        users: { ann: { password: "ann's", may } },
      });
      await writeFile(folder.at("bundle.pem"), signer.certificate.toString());
      const realm = `${tokens.url}/token`;
      const auth = { token: { realm, ...settings, rootCertBundle: folder.at("bundle.pem") } };
      await writeFile(folder.at("wharf.yaml"), JSON.stringify({ auth }));
      await using server = await startWharf({
        data: folder.at("data"),
        args: [folder.at("wharf.yaml")],
        ready: [401],
      });
      const { index } = await multiPlatformImage();
      await writeLayout(folder.at("in"), { v1: index });
      const skopeo = await machine(folder, "skopeo", "ann");
      await skopeo("login", plain, "-u", "ann", "-p", "ann's", server.host);
      const push = (name: string): Promise<string> =>
        skopeo(
          "--insecure-policy",
          "copy",
          "-q",
          "--all",
          "--dest-tls-verify=false",
          `oci:${folder.at("in")}:v1`,
          `docker://${server.host}/${name}`,
        );
      await push("team/app:v1");
      await skopeo(
        "--insecure-policy",
        "copy",
        "-q",
        "--all",
        "--src-tls-verify=false",
        `docker://${server.host}/team/app:v1`,
        `oci:${folder.at("out")}:v1`,
      );
      expect(await differences(folder.at("out"), index)).toEqual([]);
      expect(await refused(push("team/other:v1"))).toMatch(
        /denied|unauthorized|authentication required/i,
      );
    });
  });

  group("podman with tokens", ["podman"], () => {
    test("logs in, pushes as one user and pulls as another", async () => {
      await using folder = await temporaryFolder();
      await using server = await issuing(folder);
      await buildContext(folder.at("context"));
      const [ann, bob] = [
        await machine(folder, "podman", "ann"),
        await machine(folder, "podman", "bob"),
      ];
      await ann("login", plain, "-u", "ann", "-p", "ann's", server.host);
      await bob("login", plain, "-u", "bob", "-p", "bob's", server.host);
      expect(await refused(bob("login", plain, "-u", "bob", "-p", "wrong", server.host))).toMatch(
        /invalid username\/password|unauthorized/i,
      );
      const name = `${server.host}/team/app:v1`;
      await ann("build", "-q", "-t", name, folder.at("context"));
      await ann("push", "-q", plain, name);
      await bob("pull", "-q", plain, name);
      await bob("tag", name, `${server.host}/team/bobs:v1`);
      expect(await refused(bob("push", "-q", plain, `${server.host}/team/bobs:v1`))).toMatch(
        /denied|unauthorized|authentication required/i,
      );
    });
  });

  group("buildah with tokens", ["buildah"], () => {
    test("builds on an image that needs a token, and pushes the result", async () => {
      await using folder = await temporaryFolder();
      await using server = await issuing(folder);
      await buildContext(folder.at("context"));
      const ci = await machine(folder, "buildah", "ci");
      const secret = await token(folder, "create", "--user", "ann", "--repo", "ci/**", "--push");
      await ci("login", plain, "-u", "ann", "-p", secret, server.host);
      const base = `${server.host}/ci/base:v1`;
      await ci("bud", "-q", "-t", base, folder.at("context"));
      await ci("push", "-q", plain, base);
      await ci("rmi", "--all", "--force");
      await writeFile(folder.at("context/Next"), `FROM ${base}\nLABEL next=1\n`);
      await ci(
        "bud",
        "-q",
        plain,
        "-f",
        folder.at("context/Next"),
        "-t",
        `${server.host}/ci/next:v1`,
        folder.at("context"),
      );
      await ci("push", "-q", plain, `${server.host}/ci/next:v1`);
      await ci("rmi", "--all", "--force");
      await ci("pull", "-q", plain, `${server.host}/ci/next:v1`);
    });
  });
}
