import { expect, setDefaultTimeout, test } from "bun:test";
import { temporaryFolder, type Folder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image } from "../support/image.ts";
import { digestOf, mediaTypes, randomBytes } from "../support/oci.ts";
import { clientPath } from "../support/peers.ts";
import { pullManifest } from "../support/pull.ts";
import { run } from "../support/run.ts";
import { againstDockerRegistry, startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

/** Runs Python with a client of the oras library as `client`; its arguments are in `args`. */
async function oras(folder: Folder, script: string, ...args: readonly string[]): Promise<string> {
  const prelude = `
import sys, logging
from oras.client import OrasClient
from oras.oci import Subject
client, args = OrasClient(insecure=True), sys.argv[1:]
`;
  const env = {
    HOME: folder.path,
    TMPDIR: await folder.folder("tmp"),
    NO_PROXY: "127.0.0.1",
    no_proxy: "127.0.0.1",
  };
  return run([clientPath("oras"), "-c", prelude + script, ...args], { cwd: folder.path, env });
}

const push = `client.push(target=args[0], files=args[1:], disable_path_validation=True, quiet=True)`;
const pull = `client.pull(target=args[0], outdir=args[1])`;

group("oras", ["oras"], () => {
  test("files and a folder pushed as an artifact are pulled again", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const data = randomBytes(3_000_000);
    await Bun.write(folder.at("note.txt"), "a note\n");
    await Bun.write(folder.at("data.bin"), data);
    await Bun.write(folder.at("docs", "page.md"), "# A page\n");
    const target = `${wharf.host}/files/mixed:v1`;

    await oras(
      folder,
      push,
      target,
      "note.txt:text/plain",
      "data.bin:application/octet-stream",
      "docs",
    );
    await oras(folder, pull, target, await folder.folder("out"));

    expect(await Bun.file(folder.at("out", "note.txt")).text()).toBe("a note\n");
    expect(digestOf(await Bun.file(folder.at("out", "data.bin")).bytes())).toBe(digestOf(data));
    expect(await Bun.file(folder.at("out", "docs", "page.md")).text()).toBe("# A page\n");
  });

  test("a file uploaded in many chunks arrives whole", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const data = randomBytes(1_000_003);
    await Bun.write(folder.at("data.bin"), data);
    const target = `${wharf.host}/files/chunks:v1`;

    await oras(
      folder,
      `client.push(target=args[0], files=["data.bin"], disable_path_validation=True, do_chunked=True, chunk_size=65536)`,
      target,
    );
    await oras(folder, pull, target, await folder.folder("out"));

    expect(digestOf(await Bun.file(folder.at("out", "data.bin")).bytes())).toBe(digestOf(data));
  });

  // The referrers of a manifest came with version 1.1 of the specification; docker-registry 2.8 is older.
  test.skipIf(againstDockerRegistry)(
    "a file attached to an image is listed among its referrers",
    async () => {
      await using folder = await temporaryFolder();
      await using wharf = await startWharf({ data: folder.at("data") });
      const subject = image();
      await subject.push(wharf.url, "team/app", "v1");
      await Bun.write(folder.at("sbom.json"), "{}");

      await oras(
        folder,
        `client.push(target=args[0], files=["sbom.json:application/json"], disable_path_validation=True,
        subject=Subject(args[1], args[2], int(args[3])), manifest_annotations={"made": "by a test"})`,
        `${wharf.host}/team/app:sbom`,
        mediaTypes.image,
        subject.digest,
        String(subject.descriptor.size),
      );

      const attached = await pullManifest(wharf.url, "team/app", "sbom");
      const response = await fetch(`${wharf.url}/v2/team/app/referrers/${subject.digest}`);
      expect(response.headers.get("content-type")).toBe(mediaTypes.index);
      expect(await response.json()).toMatchObject({
        mediaType: mediaTypes.index,
        manifests: [
          {
            mediaType: mediaTypes.image,
            digest: attached.digest,
            annotations: { made: "by a test" },
          },
        ],
      });
    },
  );

  test("its tags are listed and one is deleted", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    await image().push(wharf.url, "team/app", "v1");
    await image().push(wharf.url, "team/app", "v2");

    const listed = await oras(
      folder,
      `client.delete_tags(args[0], ["v1"])
print(",".join(client.get_tags(args[0])))`,
      `${wharf.host}/team/app`,
    );

    expect(listed.trim().split("\n").at(-1)).toBe("v2");
  });
});
