import { expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image, index, type Fixture } from "../support/image.ts";
import { differences, multiPlatformImage, writeLayout } from "../support/layout.ts";
import { catalogOf, notServed, pullManifest, tagsOf } from "../support/pull.ts";
import { expectStatus } from "../support/push.ts";
import { againstDockerRegistry, startDockerRegistry, startWharf } from "../support/server.ts";
import { skopeoIn } from "../support/skopeo.ts";

setDefaultTimeout(120_000);

/** Images are served from the first moment; the list of all repositories may wait until the tree was read. */
function wholeCatalog(url: string, count: number): Promise<string[]> {
  return eventually(
    () => catalogOf(url),
    (names) => names.length >= count,
  );
}

/** What is ours alone goes: the next start knows nothing but the tree. */
async function forget(data: string): Promise<void> {
  await rm(join(data, "wharfinger"), { recursive: true, force: true });
}

group("docker-registry on the same folder", ["docker-registry", "skopeo"], () => {
  test("it serves what we stored, and we serve what it added when we read the tree anew", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const skopeo = await skopeoIn(folder);
    const pulled = async (host: string, name: string, fixture: Fixture): Promise<string[]> => {
      const out = folder.at(`out-${Bun.randomUUIDv7()}`);
      await skopeo.copy(`docker://${host}/${name}`, `oci:${out}:x`);
      return differences(out, fixture);
    };
    const [first, second] = [await multiPlatformImage(), await multiPlatformImage()];
    const [third, added] = [await multiPlatformImage(), await multiPlatformImage()];
    await writeLayout(folder.at("in"), {
      v1: first.index,
      v2: second.index,
      v3: third.index,
      added: added.index,
    });
    const push = (host: string, tag: string, name: string): Promise<void> =>
      skopeo.copy(`oci:${folder.at("in")}:${tag}`, `docker://${host}/${name}`);
    const docker = index(
      [image({ dockerSchema2: true, platform: { os: "linux", architecture: "amd64" } })],
      {
        dockerSchema2: true,
      },
    );

    // Given images that a real client pushed to us, of which one tag is deleted and one moved.
    {
      await using wharf = await startWharf({ data });
      await push(wharf.host, "v1", "team/app:v1");
      await push(wharf.host, "v1", "team/app:stable");
      await push(wharf.host, "v2", "team/app:v2");
      await push(wharf.host, "v3", "team/app:v3");
      await push(wharf.host, "v1", "other/moved:latest");
      await push(wharf.host, "v2", "other/moved:latest");
      await docker.push(wharf.url, "plain", "docker");
      await skopeo.other("delete", "--tls-verify=false", `docker://${wharf.host}/team/app:v3`);
      expect((await wharf.stop("SIGTERM")).code).toBe(0);
    }

    const all = async (server: { url: string; host: string }): Promise<void> => {
      expect(await pulled(server.host, "team/app:v1", first.index)).toEqual([]);
      expect(await pulled(server.host, "team/app:stable", first.index)).toEqual([]);
      expect(await pulled(server.host, "team/app:v2", second.index)).toEqual([]);
      expect(await pulled(server.host, "other/moved:latest", second.index)).toEqual([]);
      expect(await notServed(server.url, "plain", "docker", docker)).toEqual([]);
      expect((await pullManifest(server.url, "team/app", third.index.digest)).status).toBe(404);
    };

    // When Debian's registry is started on the folder, then it serves all of it, and takes more.
    {
      await using registry = await startDockerRegistry(data);
      expect(await catalogOf(registry.url)).toEqual(["other/moved", "plain", "team/app"]);
      expect(await tagsOf(registry.url, "team/app")).toEqual(["stable", "v1", "v2"]);
      await all(registry);
      await push(registry.host, "added", "team/app:added");
      await push(registry.host, "added", "new/app:v1");
    }

    // Then ours serves what it added, when it opens the folder as one that it has never seen.
    await forget(data);
    await using wharf = await startWharf({ data });
    await all(wharf);
    expect(await tagsOf(wharf.url, "team/app")).toEqual(["added", "stable", "v1", "v2"]);
    expect(await pulled(wharf.host, "team/app:added", added.index)).toEqual([]);
    expect(await pulled(wharf.host, "new/app:v1", added.index)).toEqual([]);
    expect(await wholeCatalog(wharf.url, 4)).toEqual([
      "new/app",
      "other/moved",
      "plain",
      "team/app",
    ]);
  });

  test("a folder that only it has written is served from the first moment, and can be pushed to", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const { index: old } = await multiPlatformImage();
    const child = image();
    {
      await using registry = await startDockerRegistry(data);
      await old.push(registry.url, "library/old", "1", "1.0", "latest");
      await child.push(registry.url, "library/deep/est", "x");
    }

    await using wharf = await startWharf({ data });

    expect(await notServed(wharf.url, "library/old", "1.0", old)).toEqual([]);
    expect(await notServed(wharf.url, "library/deep/est", "x", child)).toEqual([]);
    expect(await tagsOf(wharf.url, "library/old")).toEqual(["1", "1.0", "latest"]);
    expect(await wholeCatalog(wharf.url, 2)).toEqual(["library/deep/est", "library/old"]);
    const next = image();
    await next.push(wharf.url, "library/old", "2");
    expect(await notServed(wharf.url, "library/old", "2", next)).toEqual([]);
    expect(await tagsOf(wharf.url, "library/old")).toEqual(["1", "1.0", "2", "latest"]);
  });

  test("a tag that it moves back while we are stopped is where it says, when we read the tree anew", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const [before, after] = [image(), image()];
    {
      await using wharf = await startWharf({ data });
      await before.push(wharf.url, "team/app", "latest");
      await after.push(wharf.url, "team/app", "latest");
    }
    {
      // It rewrites one file in place: no folder shows that anything has changed.
      await using registry = await startDockerRegistry(data);
      await before.push(registry.url, "team/app", "latest");
    }

    await forget(data);
    await using wharf = await startWharf({ data });

    expect(await notServed(wharf.url, "team/app", "latest", before)).toEqual([]);
    expect(await notServed(wharf.url, "team/app", after.digest, after)).toEqual([]);
  });

  // It cannot delete a single tag itself; in the tree that is the folder of the tag.
  test.skipIf(againstDockerRegistry)(
    "a tag deleted alone is gone for it too, while its image stays under another",
    async () => {
      await using folder = await temporaryFolder();
      const data = folder.at("data");
      const shared = image();
      {
        await using wharf = await startWharf({ data });
        await shared.push(wharf.url, "team/app", "keep", "gone");
        await expectStatus(202, `${wharf.url}/v2/team/app/manifests/gone`, { method: "DELETE" });
        expect(await tagsOf(wharf.url, "team/app")).toEqual(["keep"]);
      }

      await using registry = await startDockerRegistry(data);

      expect(await tagsOf(registry.url, "team/app")).toEqual(["keep"]);
      expect(await notServed(registry.url, "team/app", "keep", shared)).toEqual([]);
    },
  );
});
