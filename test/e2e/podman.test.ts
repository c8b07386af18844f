import { expect, setDefaultTimeout, test } from "bun:test";
import { containersIn } from "../support/containers.ts";
import { temporaryFolder, type Folder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { multiPlatformImage } from "../support/layout.ts";
import { clientPath } from "../support/peers.ts";
import { notServed, pullManifest, tagsOf } from "../support/pull.ts";
import { run } from "../support/run.ts";
import { startWharf } from "../support/server.ts";

const patience = 120_000;
setDefaultTimeout(patience);
const plain = "--tls-verify=false";

async function podmanIn(folder: Folder): Promise<(...command: string[]) => Promise<string>> {
  const env = await containersIn(folder.at("podman"));
  return async (...command) =>
    (await run([clientPath("podman"), ...command], { env, timeout: patience })).trim();
}

group("podman", ["podman"], () => {
  test("an image is pulled, tagged and pushed under another name", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const podman = await podmanIn(folder);
    const { index, arm64 } = await multiPlatformImage();
    await index.push(wharf.url, "team/app", "v1");

    await podman("pull", "--quiet", plain, "--arch=arm64", `${wharf.host}/team/app:v1`);
    await podman("tag", `${wharf.host}/team/app:v1`, `${wharf.host}/mine/app:v2`);
    await podman("push", "--quiet", plain, `${wharf.host}/mine/app:v2`);

    // podman compresses layers anew, so the digests may change; the config names what is in them, and stays.
    const inspect = ["image", "inspect", "--format={{.Architecture}} {{.Id}}"] as const;
    const [config] = arm64.blobs;
    expect(await podman(...inspect, `${wharf.host}/team/app:v1`)).toBe(
      `arm64 ${config?.descriptor.digest.slice("sha256:".length)}`,
    );
    expect(await tagsOf(wharf.url, "mine/app")).toEqual(["v2"]);
    await podman("rmi", "--all", "--force");
    await podman("pull", "--quiet", plain, "--arch=arm64", `${wharf.host}/mine/app:v2`);
    expect(await podman(...inspect, `${wharf.host}/mine/app:v2`)).toBe(
      `arm64 ${config?.descriptor.digest.slice("sha256:".length)}`,
    );
  });

  test("a manifest list is put together from images in the registry, and pushed with them", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const podman = await podmanIn(folder);
    const { amd64, arm64 } = await multiPlatformImage();
    await amd64.push(wharf.url, "team/app", "v1-amd64");
    await arm64.push(wharf.url, "team/app", "v1-arm64");

    await podman("manifest", "create", "list");
    await podman("manifest", "add", plain, "list", `docker://${wharf.host}/team/app:v1-amd64`);
    await podman("manifest", "add", plain, "list", `docker://${wharf.host}/team/app:v1-arm64`);
    await podman("manifest", "push", "--all", plain, "list", `docker://${wharf.host}/team/list:v1`);

    expect((await pullManifest(wharf.url, "team/list", "v1")).status).toBe(200);
    expect(await notServed(wharf.url, "team/list", amd64.digest, amd64)).toEqual([]);
    expect(await notServed(wharf.url, "team/list", arm64.digest, arm64)).toEqual([]);
  });
});
