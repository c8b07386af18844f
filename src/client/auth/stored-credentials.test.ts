import { describe, expect, test } from "bun:test";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { failureOf } from "../../../test/support/failure.ts";
import { type Folder, temporaryFolder } from "../../../test/support/folder.ts";
import type { Environment } from "./credentials.ts";
import { credentialFiles, storedCredentials } from "./stored-credentials.ts";

/** A file that knows `host` by a user of this name. */
async function knows(path: string, user: string, more: object = {}): Promise<void> {
  const auth = Buffer.from(`${user}:secret`).toString("base64");
  await write(path, { auths: user ? { host: { auth } } : {}, ...more });
}

async function write(path: string, content: object): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(content));
}

/** A `docker-credential-NAME` that runs a line of shell. */
async function helper(folder: Folder, name: string, script: string): Promise<void> {
  const path = folder.at("bin", `docker-credential-${name}`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

function environmentIn(folder: Folder, more: Environment = {}): Environment {
  return { HOME: folder.at("home"), PATH: `${folder.at("bin")}:/usr/bin:/bin`, ...more };
}

async function userOf(environment: Environment, host = "host"): Promise<string | null> {
  const found = await storedCredentials(environment).find(host);
  return found?.kind === "password" ? found.username : (found?.kind ?? null);
}

describe("credentials are looked for", () => {
  test("in docker's file, then REGISTRY_AUTH_FILE, then podman's at run time, then podman's kept", () => {
    const environment = {
      HOME: "/home/me",
      REGISTRY_AUTH_FILE: "/auth.json",
      XDG_RUNTIME_DIR: "/run/me",
      XDG_CONFIG_HOME: "/home/me/.config",
    };

    expect(credentialFiles(environment)).toEqual([
      "/home/me/.docker/config.json",
      "/auth.json",
      "/run/me/containers/auth.json",
      "/home/me/.config/containers/auth.json",
    ]);
    expect(credentialFiles({ ...environment, DOCKER_CONFIG: "/etc/mine" })[0]).toBe(
      "/etc/mine/config.json",
    );
    expect(credentialFiles({})).toEqual([]);
  });

  test("until a file knows the registry", async () => {
    await using folder = await temporaryFolder();
    const environment = environmentIn(folder, {
      REGISTRY_AUTH_FILE: folder.at("auth.json"),
      XDG_RUNTIME_DIR: folder.at("run"),
    });
    expect(await userOf(environment)).toBeNull();

    await knows(folder.at("run/containers/auth.json"), "third");
    expect(await userOf(environment)).toBe("third");
    await knows(folder.at("auth.json"), "second");
    expect(await userOf(environment)).toBe("second");
    await knows(folder.at("home/.docker/config.json"), "");
    expect(await userOf(environment)).toBe("second");
    await knows(folder.at("home/.docker/config.json"), "first");
    expect(await userOf(environment)).toBe("first");
  });

  test("for exactly this host and port", async () => {
    await using folder = await temporaryFolder();
    const auth = { auth: Buffer.from("me:x").toString("base64") };
    await write(folder.at("home/.docker/config.json"), {
      auths: { "host:5000": auth, "tls:443": auth },
    });
    const environment = environmentIn(folder);

    expect(await userOf(environment, "host:5000")).toBe("me");
    expect(await userOf(environment, "host:5001")).toBeNull();
    expect(await userOf(environment, "host")).toBeNull();
    expect(await userOf(environment, "sub.host:5000")).toBeNull();
    expect(await userOf(environment, "tls")).toBe("me");
  });

  test("but a file that is broken is said, not skipped", async () => {
    await using folder = await temporaryFolder();
    await write(folder.at("home/.docker/config.json"), []);

    expect((await failureOf(userOf(environmentIn(folder)))).message).toContain(
      "is not a JSON object",
    );
  });
});

describe("a credential helper", () => {
  test("is given the host and asked before the file's own entries", async () => {
    await using folder = await temporaryFolder();
    await helper(folder, "mine", `read host; echo '{"Username":"'$1-$host'","Secret":"x"}'`);
    await knows(folder.at("home/.docker/config.json"), "file", { credHelpers: { host: "mine" } });

    expect(await userOf(environmentIn(folder))).toBe("get-host");
  });

  test("named for the host wins over the one for all", async () => {
    await using folder = await temporaryFolder();
    await helper(folder, "one", `echo '{"Username":"one","Secret":"x"}'`);
    await helper(folder, "all", `echo '{"Username":"all","Secret":"x"}'`);
    const helpers = { credHelpers: { host: "one" }, credsStore: "all" };
    await knows(folder.at("home/.docker/config.json"), "", helpers);

    expect(await userOf(environmentIn(folder))).toBe("one");
    expect(await userOf(environmentIn(folder), "other")).toBe("all");
  });

  test("may have an identity token instead of a password", async () => {
    await using folder = await temporaryFolder();
    await helper(folder, "all", `echo '{"Username":"<token>","Secret":"id"}'`);
    await knows(folder.at("home/.docker/config.json"), "", { credsStore: "all" });

    expect(await userOf(environmentIn(folder))).toBe("identity");
  });

  test("that has nothing leaves the word to the file", async () => {
    await using folder = await temporaryFolder();
    await helper(folder, "all", "echo 'credentials not found in native keychain'; exit 1");
    await knows(folder.at("home/.docker/config.json"), "file", { credsStore: "all" });

    expect(await userOf(environmentIn(folder))).toBe("file");
  });

  test.each([
    ["fails", "echo hunter2; echo hunter2 >&2; exit 3", "ended with code 3"],
    ["talks nonsense", "echo hunter2", "did not answer as a credential helper does"],
    ["talks without end", "while echo hunter2; do :; done", "ended with SIG"],
  ])("that %s ends the search, and its words are not repeated", async (_, script, why) => {
    await using folder = await temporaryFolder();
    await helper(folder, "all", script);
    await knows(folder.at("home/.docker/config.json"), "", { credsStore: "all" });

    const { message } = await failureOf(userOf(environmentIn(folder)));

    expect(message).toContain(why);
    expect(message).not.toContain("hunter2");
  });

  test("that is not there, or has a path for a name, is not run", async () => {
    await using folder = await temporaryFolder();
    const path = folder.at("home/.docker/config.json");

    await knows(path, "", { credsStore: "absent" });
    expect((await failureOf(userOf(environmentIn(folder)))).message).toContain(
      "was not found on the PATH",
    );
    await knows(path, "", { credsStore: "../../evil" });
    expect((await failureOf(userOf(environmentIn(folder)))).message).toContain(
      "has no usable name",
    );
  });
});
