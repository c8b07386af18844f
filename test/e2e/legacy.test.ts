import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { composeVariables, legacyFolder, startOurs } from "../support/drop-in.ts";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { receiver } from "../support/receiver.ts";
import { notServed, tagsOf } from "../support/pull.ts";

setDefaultTimeout(60_000);

/** What the image registry:2 has at /etc/docker/registry/config.yml. */
const IMAGE_CONFIG = `version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
`;

describe("a setup that people have, with nothing changed but the executable", () => {
  test("registry-gc: its config.yml and the variables of its compose file", async () => {
    await using folder = await temporaryFolder();
    // The one variable that is not theirs: nothing here is called registry-gc.
    await using listener = receiver();
    const env = {
      ...(await composeVariables("registry-gc", "registry-server")),
      REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL: listener.url,
    };
    const config = join(legacyFolder("registry-gc"), "config.yml");
    await using server = await startOurs({ config, env, data: folder.at("data") });
    const pushed = image();

    await pushed.push(server.url, "team/app", "v1", "v2");

    expect(await notServed(server.url, "team/app", "v1", pushed)).toEqual([]);
    const removed = await fetch(`${server.url}/v2/team/app/manifests/${pushed.digest}`, {
      method: "DELETE",
    });
    expect(removed.status).toBe(202);
    expect(await tagsOf(server.url, "team/app")).toEqual([]);
    const told = await eventually(
      async () => listener.events.map(({ action }) => action),
      (actions) => actions.includes("delete"),
    );
    expect(told.filter((action) => action === "push")).toHaveLength(pushed.blobs.length + 2);
    const answer = await fetch(`${server.url}/v2/_catalog`);
    expect(answer.headers.get("access-control-allow-origin")).toBe("http://registry-ui");
    expect(answer.headers.get("access-control-expose-headers")).toBe("Docker-Content-Digest");
    expect((await server.stop()).code).toBe(0);
    expect(server.logs()).not.toContain("have no effect");
    expect(server.logs()).toContain('"service":"registry"');
    expect(existsSync(folder.at("data", "docker", "registry", "v2", "blobs"))).toBe(true);
  });

  test("private-registry: the config.yml of the image and the variables of its compose file", async () => {
    await using folder = await temporaryFolder();
    await using server = await startPrivate(folder);

    expect((await fetch(`${server.url}/v2/`)).status).toBe(401);
    const challenge = (await fetch(`${server.url}/v2/`)).headers.get("www-authenticate");
    expect(challenge).toBe('Basic realm="Registry Realm"');
    const user = { authorization: `Basic ${btoa("alice:correct horse")}` };
    expect((await fetch(`${server.url}/v2/`, { headers: user })).status).toBe(200);
    const wrong = { authorization: `Basic ${btoa("alice:wrong")}` };
    expect((await fetch(`${server.url}/v2/`, { headers: wrong })).status).toBe(401);
  });
});

async function startPrivate(folder: Folder) {
  await Bun.write(folder.at("config.yml"), IMAGE_CONFIG);
  const hash = await Bun.password.hash("correct horse", { algorithm: "bcrypt", cost: 5 });
  await Bun.write(folder.at("htpasswd"), `alice:${hash.replace("$2b$", "$2y$")}\n`);
  const env = await composeVariables("private-registry", "registry");
  const path = env["REGISTRY_AUTH_HTPASSWD_PATH"];
  expect(path).toBe("/auth/htpasswd");
  return await startOurs({
    config: folder.at("config.yml"),
    env: { ...env, REGISTRY_AUTH_HTPASSWD_PATH: folder.at("htpasswd") },
    data: folder.at("data"),
  });
}
