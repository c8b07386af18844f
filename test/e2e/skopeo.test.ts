import { expect, setDefaultTimeout, test } from "bun:test";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image } from "../support/image.ts";
import { digestOf } from "../support/oci.ts";
import { differences, fileLayer, multiPlatformImage, writeLayout } from "../support/layout.ts";
import { notServed, pullManifest } from "../support/pull.ts";
import { recorderBefore } from "../support/recorder.ts";
import { startWharf } from "../support/server.ts";
import { skopeoIn } from "../support/skopeo.ts";

setDefaultTimeout(60_000);

group("skopeo", ["skopeo"], () => {
  test("an image for two platforms comes out byte for byte as it went in", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const skopeo = await skopeoIn(folder);
    const { index } = await multiPlatformImage();
    await writeLayout(folder.at("in"), { v1: index });

    await skopeo.copy(`oci:${folder.at("in")}:v1`, `docker://${wharf.host}/team/app:v1`);
    await skopeo.copy(`docker://${wharf.host}/team/app:v1`, `oci:${folder.at("out")}:v1`);

    expect(await differences(folder.at("out"), index)).toEqual([]);
    expect(digestOf(Buffer.from(await skopeo.manifest(`docker://${wharf.host}/team/app:v1`)))).toBe(
      index.digest,
    );
  });

  test("tags are listed, and an image is inspected for the platform that is asked for", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const skopeo = await skopeoIn(folder);
    const { index, arm64 } = await multiPlatformImage();
    await index.push(wharf.url, "team/app", "v1", "v2", "latest");

    const inspected = JSON.parse(
      await skopeo.other(
        "--override-arch=arm64",
        "inspect",
        "--tls-verify=false",
        `docker://${wharf.host}/team/app:v2`,
      ),
    ) as { Digest: string; Architecture: string; Layers: string[]; RepoTags: string[] };

    expect(await skopeo.tags(`docker://${wharf.host}/team/app`)).toEqual(["latest", "v1", "v2"]);
    expect(inspected.Digest).toBe(index.digest);
    expect(inspected.Architecture).toBe("arm64");
    expect(inspected.Layers).toEqual(arm64.blobs.slice(1).map((layer) => layer.descriptor.digest));
    expect(inspected.RepoTags.toSorted()).toEqual(["latest", "v1", "v2"]);
  });

  test("an image is copied to another repository, by tag and by digest", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const skopeo = await skopeoIn(folder);
    const { index } = await multiPlatformImage();
    await index.push(wharf.url, "team/app", "v1");

    await skopeo.copy(
      `docker://${wharf.host}/team/app:v1`,
      `docker://${wharf.host}/release/app:1.0`,
    );
    await skopeo.copy(
      `docker://${wharf.host}/team/app@${index.digest}`,
      `docker://${wharf.host}/deep/er/path/app:1.0`,
    );

    for (const repository of ["release/app", "deep/er/path/app"]) {
      const out = folder.at(repository.replaceAll("/", "-"));
      await skopeo.copy(`docker://${wharf.host}/${repository}:1.0`, `oci:${out}:1.0`);
      expect(await differences(out, index)).toEqual([]);
    }
  });

  test("layers that another repository has are mounted from there, not sent again", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    await using recorder = recorderBefore(wharf.url);
    const skopeo = await skopeoIn(folder);
    const { index } = await multiPlatformImage();
    await writeLayout(folder.at("in"), { v1: index });
    // skopeo mounts only what it has seen in this registry itself.
    await skopeo.copy(`oci:${folder.at("in")}:v1`, `docker://${recorder.host}/team/app:v1`);
    const before = recorder.requests.length;

    await skopeo.copy(`oci:${folder.at("in")}:v1`, `docker://${recorder.host}/release/app:1.0`);

    const requests = recorder.requests.slice(before);
    expect(requests.filter((it) => /^POST .*mount=.* 201$/.test(it)).length).toBe(3);
    // It never mounts a config: those two are all that is sent.
    expect(requests.filter((it) => it.startsWith("PATCH")).length).toBe(2);
    expect(await notServed(wharf.url, "release/app", "1.0", index)).toEqual([]);
  });

  test("deleting an image takes every tag of its digest away, and leaves the others", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const skopeo = await skopeoIn(folder);
    const [kept, gone] = [image({ layers: 2 }), image({ layers: 2 })];
    await kept.push(wharf.url, "team/app", "keep");
    await gone.push(wharf.url, "team/app", "gone", "gone-too");

    await skopeo.other("delete", "--tls-verify=false", `docker://${wharf.host}/team/app:gone`);

    expect(await skopeo.tags(`docker://${wharf.host}/team/app`)).toEqual(["keep"]);
    expect((await pullManifest(wharf.url, "team/app", gone.digest)).status).toBe(404);
    expect(await notServed(wharf.url, "team/app", "keep", kept)).toEqual([]);
  });

  test("a repository is synced to a folder, and from there to another registry", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    await using second = await startWharf({ data: folder.at("data-2") });
    const skopeo = await skopeoIn(folder);
    const [v1, v2] = [await multiPlatformImage(), await multiPlatformImage()];
    await v1.index.push(wharf.url, "team/app", "v1");
    await v2.index.push(wharf.url, "team/app", "v2");

    const sync = ["sync", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"];
    await skopeo.other(
      ...sync,
      "--src=docker",
      "--dest=dir",
      `${wharf.host}/team/app`,
      await folder.folder("synced"),
    );
    await skopeo.other(
      ...sync,
      "--src=dir",
      "--dest=docker",
      folder.at("synced"),
      `${second.host}/mirror`,
    );

    expect(await skopeo.tags(`docker://${second.host}/mirror/app`)).toEqual(["v1", "v2"]);
    await skopeo.copy(`docker://${second.host}/mirror/app:v2`, `oci:${folder.at("out")}:v2`);
    expect(await differences(folder.at("out"), v2.index)).toEqual([]);
  });

  test("an image becomes the older Docker format on its way in, and keeps it on its way out", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const skopeo = await skopeoIn(folder);
    const { index } = await multiPlatformImage();
    await writeLayout(folder.at("in"), { v1: index });

    await skopeo.copy(
      `oci:${folder.at("in")}:v1`,
      `docker://${wharf.host}/team/app:docker`,
      "--format=v2s2",
    );

    const list = await skopeo.manifest(`docker://${wharf.host}/team/app:docker`);
    expect(JSON.parse(list)).toMatchObject({
      mediaType: "application/vnd.docker.distribution.manifest.list.v2+json",
      manifests: [{ platform: { architecture: "amd64" } }, { platform: { architecture: "arm64" } }],
    });
    await skopeo.copy(`docker://${wharf.host}/team/app:docker`, `dir:${folder.at("out")}`);
    expect(await Bun.file(folder.at("out", "manifest.json")).text()).toBe(list);
  });

  test("layers compressed with zstd come out as they went in", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const skopeo = await skopeoIn(folder);
    const zstd = image({
      layers: [await fileLayer({ "etc/motd": "compressed with zstd\n" }, "zstd")],
    });
    await writeLayout(folder.at("in"), { v1: zstd });

    await skopeo.copy(`oci:${folder.at("in")}:v1`, `docker://${wharf.host}/team/app:zstd`);
    await skopeo.copy(`docker://${wharf.host}/team/app:zstd`, `oci:${folder.at("out")}:v1`);

    expect(await differences(folder.at("out"), zstd)).toEqual([]);
  });
});
