import { expect, setDefaultTimeout, test } from "bun:test";
import { applyCommand } from "../../src/cli/apply.ts";
import { pruneCommand } from "../../src/cli/prune.ts";
import { type Ran, runCommand } from "../support/command.ts";
import { countingProxy } from "../support/counting-proxy.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image, index } from "../support/image.ts";
import { notServed } from "../support/pull.ts";
import { receiver } from "../support/receiver.ts";
import { startDockerRegistry } from "../support/server.ts";

setDefaultTimeout(60_000);

interface Place {
  readonly folder: Folder;
  prune(...args: string[]): Promise<Ran>;
  apply(...args: string[]): Promise<Ran>;
}

async function place(folder: Folder, settings: object): Promise<Place> {
  const config = folder.at("wharf.yaml");
  await Bun.write(config, JSON.stringify({ keep: { state: folder.at("keep") }, ...settings }));
  const environment = { HOME: folder.path, XDG_CACHE_HOME: folder.at("cache") };
  return {
    folder,
    prune: (...args) => runCommand(pruneCommand, ["-c", config, ...args], { environment }),
    apply: (...args) => runCommand(applyCommand, ["-c", config, ...args], { environment }),
  };
}

async function tagsOf(url: string, repository: string): Promise<string[]> {
  const answer = await fetch(`${url}/v2/${repository}/tags/list`);
  return (((await answer.json()) as { tags?: string[] | null }).tags ?? []).toSorted();
}

const RELEASES = {
  name: "releases",
  repositories: ["team/**"],
  delete: [{ tags: ["*"] }],
  keep: [{ tags: ["latest"] }, { version: true, newest: 2 }],
};

group("prune with docker-registry", ["docker-registry"], () => {
  test("deletes what its policy lets go; newer versions, shared digests and children stay", async () => {
    await using folder = await temporaryFolder();
    await using registry = await startDockerRegistry(folder.at("data"));
    await using heard = receiver(() => new Response(null));
    const names = ["v1.8.0", "v1.9.0", "v1.10.0"];
    const [old, , newest] = await Promise.all(
      names.map(async (name) => {
        const made = image();
        await made.push(registry.url, "team/app", name);
        return made;
      }),
    );
    const latest = image();
    await latest.push(registry.url, "team/app", "latest", "old-name");
    const multi = index([image(), image()]);
    await multi.push(registry.url, "team/multi", "1.0.0");
    const gone = index([image(), image()]);
    await gone.push(registry.url, "team/multi", "nightly");
    const at = await place(folder, {
      retention: [RELEASES],
      registries: [{ name: "hub", url: registry.url }],
      keep: { state: folder.at("keep"), report: [{ url: heard.url, secret: "s" }] },
    });

    const shown = await at.prune("-n");
    expect(shown).toMatchObject({ exit: 0 });
    expect(shown.out.join("\n")).toContain("kept old-name");
    const { exit, out } = await at.prune("--yes", "hub");

    expect(exit).toBe(0);
    expect(out.join("\n")).toStartWith("deleted 2 tags and 4 manifests from hub");
    expect(await tagsOf(registry.url, "team/app")).toEqual([
      "latest",
      "old-name",
      "v1.10.0",
      "v1.9.0",
    ]);
    expect(await tagsOf(registry.url, "team/multi")).toEqual(["1.0.0"]);
    expect(await notServed(registry.url, "team/multi", "1.0.0", multi)).toEqual([]);
    expect(await notServed(registry.url, "team/app", "v1.10.0", newest!)).toEqual([]);
    const path = `${registry.url}/v2/team/app/manifests/${old!.digest}`;
    expect((await fetch(path, { headers: { accept: old!.mediaType } })).status).toBe(404);
    expect(heard.deliveries).toHaveLength(1);
    expect(JSON.parse(heard.deliveries[0]?.body ?? "")).toMatchObject({
      kind: "prune-report",
      outcome: "done",
      done: { tags: 2, manifests: 4 },
    });
    expect(await at.prune("--yes")).toMatchObject({ exit: 0 });
  });

  test("a registry that is not there fails alone; the other one is done", async () => {
    await using folder = await temporaryFolder();
    await using registry = await startDockerRegistry(folder.at("data"));
    await image().push(registry.url, "team/app", "x");
    await image().push(registry.url, "team/app", "latest");
    const at = await place(folder, {
      retention: [RELEASES],
      registries: [
        { name: "nowhere", url: "http://127.0.0.1:9", retries: 0 },
        { name: "hub", url: registry.url },
      ],
    });

    const { exit, err } = await at.prune("--yes");

    expect(exit).toBe(3);
    expect(err.join("\n")).toContain("nowhere: the other registry did not");
    expect(await tagsOf(registry.url, "team/app")).toEqual(["latest"]);
    expect((await at.prune("--yes", "nowhere")).exit).toBe(1);
    expect((await at.prune("strange")).err.at(-1)).toContain("it has nowhere, hub");
    expect((await at.prune("--policy", "strange", "hub")).err.at(-1)).toContain("are releases");
  });

  test("a saved plan is for its registry and no other, and is carried out there in parts", async () => {
    await using folder = await temporaryFolder();
    await using registry = await startDockerRegistry(folder.at("data"));
    await using other = countingProxy(registry.url);
    for (const name of ["team/a", "team/b"]) {
      await image().push(registry.url, name, "x");
      await image().push(registry.url, name, "latest");
    }
    const registries = [{ name: "hub", url: registry.url }];
    const at = await place(folder, { retention: [RELEASES], registries });
    const file = folder.at("plan.json");
    expect((await at.prune("--out", file)).exit).toBe(0);

    const elsewhere = await at.apply("--registry", other.url, file, "--yes");
    expect(elsewhere).toMatchObject({ exit: 1 });
    expect(elsewhere.err.at(-1)).toContain("it was made for hub at");
    expect((await at.apply("--repository", "team/b", file, "--yes")).exit).toBe(0);
    expect(await tagsOf(registry.url, "team/a")).toEqual(["latest", "x"]);
    expect(await tagsOf(registry.url, "team/b")).toEqual(["latest"]);
    expect((await at.apply(file, "--yes")).exit).toBe(0);
    expect(await tagsOf(registry.url, "team/a")).toEqual(["latest"]);
  });

  test("a tag that moves, and an index that comes, between plan and apply keep their images", async () => {
    await using folder = await temporaryFolder();
    await using registry = await startDockerRegistry(folder.at("data"));
    const doomed = image();
    await doomed.push(registry.url, "team/a", "x");
    await image().push(registry.url, "team/a", "latest");
    await image().push(registry.url, "team/b", "x");
    await image().push(registry.url, "team/b", "latest");
    const registries = [{ name: "hub", url: registry.url }];
    const at = await place(folder, { retention: [RELEASES], registries });
    const file = folder.at("plan.json");
    await at.prune("--out", file);
    const needing = index([doomed]);
    await needing.push(registry.url, "team/a", "multi");
    const moved = image();
    await moved.push(registry.url, "team/b", "x");

    const { exit, err } = await at.apply(file, "--yes");

    expect(exit).toBe(5);
    expect(err.join("\n")).toContain("team/a: has changed since the plan was made");
    expect(await notServed(registry.url, "team/a", "multi", needing)).toEqual([]);
    expect(await notServed(registry.url, "team/b", "x", moved)).toEqual([]);
  });
});
