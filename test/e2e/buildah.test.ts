import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { buildContext } from "../support/build.ts";
import { containersIn } from "../support/containers.ts";
import { temporaryFolder, type Folder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { digestOf } from "../support/oci.ts";
import { clientPath } from "../support/peers.ts";
import { pullManifest, tagsOf } from "../support/pull.ts";
import { recorderBefore } from "../support/recorder.ts";
import { run } from "../support/run.ts";
import { startWharf } from "../support/server.ts";

const patience = 120_000;
setDefaultTimeout(patience);
const plain = "--tls-verify=false";

type Buildah = (...command: string[]) => Promise<string>;

/** Each name is a machine of its own: it has an image store that the others cannot see. */
async function buildahOn(folder: Folder, name: string): Promise<Buildah> {
  const env = await containersIn(folder.at(name));
  return async (...command) =>
    (await run([clientPath("buildah"), ...command], { env, timeout: patience })).trim();
}

/** Reads files of an image in the store. vfs mounts nothing, so nothing has to be undone. */
async function contentsOf(
  buildah: Buildah,
  image: string,
): Promise<(path: string) => Promise<Uint8Array>> {
  const root = await buildah("mount", await buildah("from", "--pull-never", image));
  return (path) => Bun.file(join(root, path)).bytes();
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

group("buildah", ["buildah"], () => {
  test("an image built for two platforms is pushed, and each machine pulls its own", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const builder = await buildahOn(folder, "builder");
    await buildContext(folder.at("context"));
    const name = `${wharf.host}/team/built:v1`;

    await builder(
      "bud",
      "--quiet",
      "--layers",
      "--platform=linux/amd64,linux/arm64",
      "--manifest",
      name,
      folder.at("context"),
    );
    await builder("manifest", "push", "--all", plain, name, `docker://${name}`);

    for (const architecture of ["amd64", "arm64"]) {
      const machine = await buildahOn(folder, architecture);
      await machine("pull", "--quiet", plain, `--arch=${architecture}`, name);
      const read = await contentsOf(machine, name);
      expect(text(await read("/etc/platform"))).toBe(`${architecture}\n`);
      expect(digestOf(await read("/bin/tool"))).toBe(
        digestOf(await Bun.file(folder.at("context", "base", "bin", "tool")).bytes()),
      );
    }
  });

  test("a second image on the same base sends only what is new", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    await using recorder = recorderBefore(wharf.url);
    const builder = await buildahOn(folder, "builder");
    await buildContext(folder.at("context"));
    const [first, second] = [`${recorder.host}/team/base:v1`, `${recorder.host}/team/base:v2`];
    await builder(
      "bud",
      "--quiet",
      "--layers",
      "--platform=linux/amd64",
      "-t",
      first,
      folder.at("context"),
    );
    await builder("push", "--quiet", plain, first);
    await Bun.write(folder.at("next", "Containerfile"), `FROM ${first}\nCOPY note /note\n`);
    await Bun.write(folder.at("next", "note"), "on top\n");
    const before = recorder.requests.length;

    await builder(
      "bud",
      "--quiet",
      "--pull-never",
      "--platform=linux/amd64",
      "-t",
      second,
      folder.at("next"),
    );
    await builder("push", "--quiet", plain, second);

    // The new layer and the new config; the layers of the base are found there.
    const sent = recorder.requests.slice(before).filter((it) => it.startsWith("PATCH"));
    expect(sent.length).toBe(2);
    expect(await tagsOf(wharf.url, "team/base")).toEqual(["v1", "v2"]);
    const machine = await buildahOn(folder, "machine");
    await machine("pull", "--quiet", plain, "--arch=amd64", second);
    const read = await contentsOf(machine, second);
    expect(text(await read("/note"))).toBe("on top\n");
    expect(text(await read("/etc/hostname"))).toBe("shared\n");
  });

  test("an image in the older Docker format is pushed and pulled", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const builder = await buildahOn(folder, "builder");
    await buildContext(folder.at("context"));
    const name = `${wharf.host}/team/docker:v1`;

    await builder(
      "bud",
      "--quiet",
      "--format=docker",
      "--platform=linux/amd64",
      "-t",
      name,
      folder.at("context"),
    );
    await builder("push", "--quiet", plain, name);

    const manifest = await pullManifest(wharf.url, "team/docker", "v1");
    expect(manifest.mediaType).toBe("application/vnd.docker.distribution.manifest.v2+json");
    const machine = await buildahOn(folder, "machine");
    await machine("pull", "--quiet", plain, "--arch=amd64", name);
    expect(text(await (await contentsOf(machine, name))("/etc/hostname"))).toBe("shared\n");
  });
});
