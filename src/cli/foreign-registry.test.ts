import { expect, test } from "bun:test";
import { type Ran, runCommand } from "../../test/support/command.ts";
import { temporaryFolder } from "../../test/support/folder.ts";
import { group } from "../../test/support/group.ts";
import { image, index } from "../../test/support/image.ts";
import { type Server, startDockerRegistry } from "../../test/support/server.ts";
import { deleteCommand } from "./delete.ts";
import { listCommand } from "./list.ts";

interface TagsDocument {
  readonly tags: readonly { readonly tag: string; readonly [fact: string]: unknown }[];
}

async function run(
  make: typeof deleteCommand,
  { url }: Server,
  args: readonly string[],
): Promise<Ran> {
  return await runCommand(make, [...args, "--registry", url]);
}

async function tagsOf(server: Server, repository: string): Promise<readonly string[]> {
  return (await run(listCommand, server, [repository, "-q"])).out.toSorted();
}

group("Debian's docker-registry, which has no API but the standard's", ["docker-registry"], () => {
  test("is listed with sizes and platforms; when a tag was pushed nobody knows", async () => {
    await using folder = await temporaryFolder();
    await using server = await startDockerRegistry(folder.at("data"));
    const platforms = ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture }));
    const both = index(platforms.map((platform) => image({ platform, size: 5000 })));
    await both.push(server.url, "team/app", "multi");
    await image({ dockerSchema2: true }).push(server.url, "team/app", "docker");

    const repositories = await run(listCommand, server, ["-q"]);
    const { out } = await run(listCommand, server, ["team/app", "--json"]);
    const { tags } = JSON.parse(out.join("\n")) as TagsDocument;

    expect(repositories.out).toEqual(["team/app"]);
    expect(tags.find(({ tag }) => tag === "multi")).toEqual({
      tag: "multi",
      digest: both.digest,
      mediaType: both.mediaType,
      size: expect.any(Number),
      platforms: ["linux/amd64", "linux/arm64"],
      pushedAt: null,
    });
    expect(tags.find(({ tag }) => tag === "docker")).toMatchObject({ platforms: ["linux/amd64"] });
    const table = await run(listCommand, server, ["team/app"]);
    expect(table.out.find((line) => line.startsWith("multi"))).toMatch(/ KiB .* {2}-$/);
  });

  test("keeps a tag that it cannot delete by name, and we say with whom it shares its digest", async () => {
    await using folder = await temporaryFolder();
    await using server = await startDockerRegistry(folder.at("data"));
    await image().push(server.url, "app", "1", "latest");

    const one = await run(deleteCommand, server, ["app:1", "--yes"]);
    const both = await run(deleteCommand, server, ["app:1", "app:latest", "--yes"]);

    expect(one.exit).toBe(1);
    expect(one.err.join("\n")).toMatch(
      /kept app:1: .*\(400 DIGEST_INVALID\); .* shared with latest/,
    );
    expect(both.exit).toBe(1);
    expect(await tagsOf(server, "app")).toEqual(["1", "latest"]);
  });

  test("deletes a digest with the tags that the plan named", async () => {
    await using folder = await temporaryFolder();
    await using server = await startDockerRegistry(folder.at("data"));
    const one = image();
    await one.push(server.url, "app", "1", "latest");
    await image().push(server.url, "app", "2");

    const plan = await run(deleteCommand, server, [`app@${one.digest}`, "-n"]);
    const { exit } = await run(deleteCommand, server, [`app@${one.digest}`, "app:2", "--yes"]);

    expect(plan.out.join("\n")).toMatch(/with it 2 tags: (?:1, latest|latest, 1)/);
    expect(exit).toBe(3);
    expect(await tagsOf(server, "app")).toEqual(["2"]);
  });

  test("says itself what it does not have", async () => {
    await using folder = await temporaryFolder();
    await using server = await startDockerRegistry(folder.at("data"));
    await image().push(server.url, "app", "1");

    const nowhere = await run(listCommand, server, ["nowhere"]);
    const gone = await run(deleteCommand, server, ["app:gone", "--yes"]);

    expect(nowhere).toMatchObject({ exit: 1, out: [] });
    expect(nowhere.err.at(-1)).toBe("repository unknown to this registry: nowhere");
    expect(gone.exit).toBe(1);
    expect(gone.err.at(-1)).toBe("manifest unknown to this repository: app:gone");
  });
});
