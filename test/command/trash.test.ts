import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { trashCommand } from "../../src/cli/trash.ts";
import { followed } from "../protocol/support/stored.ts";
import { expectClean, expectCleanServer } from "../support/clean.ts";
import { type Person, runCommand } from "../support/command.ts";
import { type Folder, filesBelow, temporaryFolder } from "../support/folder.ts";
import { type Fixture, image } from "../support/image.ts";
import { type Server, startWharf } from "../support/server.ts";

setDefaultTimeout(120_000);

const trash = async (args: readonly string[], person: Person = {}) =>
  await runCommand(trashCommand, args, person);

/** A registry of which the tag team/app:1.0 was deleted, and team/app:moved moved; `use` gets it while it runs. */
async function used<T>(
  folder: Folder,
  use: (server: Server, one: Fixture, two: Fixture) => Promise<T>,
): Promise<T> {
  const [one, two] = [image({ size: 50_000 }), image()];
  await using server = await startWharf({ data: folder.at("data") });
  await one.push(server.url, "team/app", "1.0", "moved");
  await two.push(server.url, "team/app", "moved");
  await fetch(`${server.url}/v2/team/app/manifests/1.0`, { method: "DELETE" });
  return await use(server, one, two);
}

async function digestOf({ url }: Server, tag: string): Promise<string | null> {
  const path = `${url}/v2/team/app/manifests/${tag}`;
  const answer = await fetch(path, { method: "HEAD", headers: { accept: "*/*" } });
  return answer.status === 200 ? answer.headers.get("docker-content-digest") : null;
}

/** The same folder, served once more, to ask it. */
async function served<T>(folder: Folder, ask: (server: Server) => Promise<T>): Promise<T> {
  await using server = await startWharf({ data: folder.at("data") });
  await expectCleanServer(server.url);
  return await ask(server);
}

/** Where the trash is: behind the API, or in a folder that nobody has open. */
const PLACES = ["running", "stopped"] as const;

async function at<T>(
  place: (typeof PLACES)[number],
  folder: Folder,
  work: (args: readonly string[], one: Fixture, two: Fixture) => Promise<T>,
): Promise<T> {
  const data = ["--data", folder.at("data")];
  if (place === "running") return await used(folder, (_, one, two) => work(data, one, two));
  const [one, two] = await used(folder, async (_, ...both) => both);
  return await work(data, one, two);
}

describe.each(PLACES)("wharf trash, of a registry that is %s,", (place) => {
  test("lists what was deleted and moved, for people and for programs", async () => {
    await using folder = await temporaryFolder();
    await at(place, folder, async (args, one, two) => {
      const { exit, out, err } = await trash(["list", ...args]);
      const json = JSON.parse((await trash(["list", "--json", ...args])).out.join("\n"));

      expect(exit).toBe(0);
      expect(out[0]).toMatch(/^REMOVED +WHAT +DIGEST +SIZE +RUN +BY +WHY$/);
      const [short, other] = [one, two].map(({ digest }) => digest.slice(7, 19));
      expect(out[1]).toMatch(new RegExp(`Z +team/app:1.0 +${short} +- +- +- +deleted$`));
      expect(out[2]).toMatch(new RegExp(`team/app:moved +${short} .* moved to ${other}$`));
      expect(out).toHaveLength(3);
      expect(err).toEqual(["the trash has 2 entries, and 0 B that emptying it frees"]);
      expect(json).toMatchObject({ schemaVersion: 1, totals: { entries: 2, bytes: 0 } });
      expect(json.entries[0]).toMatchObject({
        kind: "tag",
        repository: "team/app",
        tag: "1.0",
        digest: one.digest,
        reason: "deleted",
        removedBy: null,
        removedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      });
      expect((await trash(["list", "team/app:moved", ...args])).out).toHaveLength(2);
      expect((await trash(["list", "team/other", ...args])).out).toEqual([]);
    });
  });

  test("shows, asks and restores", async () => {
    await using folder = await temporaryFolder();
    await at(place, folder, async (args, one) => {
      const ran = await trash(["restore", "team/app:1.0", ...args], { answers: "y" });

      expect([ran.exit, ran.out]).toEqual([0, ["restored team/app:1.0"]]);
      expect(ran.err[0]).toStartWith("To restore at ");
      expect(ran.err[1]).toBe(`  team/app:1.0  (${one.digest.slice(7, 19)}, all of it is here)`);
      expect(ran.asked).toEqual(["Restore 1 tag (0 B)? [y/N] "]);
      const again = await trash(["restore", "team/app:1.0", ...args]);
      expect([again.exit, again.err]).toEqual([0, ["team/app:1.0 is here"]]);
    });
    await served(folder, async (server) => {
      expect(await digestOf(server, "1.0")).toBeString();
    });
  });

  test("moves a tag back when it is named, and says so before", async () => {
    await using folder = await temporaryFolder();
    const one = await at(place, folder, async (args, first, two) => {
      const ran = await trash(["restore", "team/app:moved", "-y", ...args]);

      expect(ran.exit).toBe(0);
      expect(ran.err).toContain(
        `    the tag is moved back; it names ${two.digest.slice(7, 19)} now`,
      );
      return first;
    });
    await served(folder, async (server) => {
      expect(await digestOf(server, "moved")).toBe(one.digest);
    });
  });

  test("changes nothing without a yes, and says so with exit code 2", async () => {
    await using folder = await temporaryFolder();
    await at(place, folder, async (args) => {
      for (const [command, person] of [
        [["restore", "team/app:1.0"], {}],
        [["restore", "team/app:1.0"], { answers: "n" }],
        [["empty"], {}],
        [["empty"], { answers: "" }],
      ] as const) {
        const { exit, out, err } = await trash([...command, ...args], person);
        expect([exit, out]).toEqual([2, []]);
        expect(err.at(-1)).toMatch(/^not confirmed: nothing was (restored|freed); /);
      }
      for (const command of [["restore", "--all"], ["empty"]]) {
        const { exit, asked } = await trash([...command, "-n", "--yes", ...args], { answers: "y" });
        expect([exit, asked]).toEqual([command[0] === "empty" ? 0 : 3, []]);
      }
      expect((await trash(["list", ...args])).out).toHaveLength(3);
    });
  });

  test("says of several which were restored, with exit code 3, and which are unknown, with 1", async () => {
    await using folder = await temporaryFolder();
    await at(place, folder, async (args) => {
      const named = ["team/app:1.0", "team/app:nothing", "no/where"];
      const ran = await trash(["restore", "--json", "--yes", ...named, ...args]);
      const { items, dryRun } = JSON.parse(ran.out.join("\n"));

      expect([ran.exit, dryRun]).toEqual([3, false]);
      const told = items.map((one: Record<string, unknown>) => [
        one["repository"],
        one["tag"],
        one["outcome"],
      ]);
      expect(told.toSorted()).toEqual([
        ["no/where", null, "failed"],
        ["team/app", "1.0", "restored"],
        ["team/app", "nothing", "failed"],
      ]);
      const unknown = await trash(["restore", "--yes", "no/where", ...args]);
      expect([unknown.exit, unknown.err.at(-1)]).toEqual([
        1,
        "the trash does not have it: the trash has nothing called no/where",
      ]);
    });
  });

  test("empties itself, of one thing or of all", async () => {
    await using folder = await temporaryFolder();
    await at(place, folder, async (args) => {
      const one = await trash(["empty", "team/app:1.0", "--yes", ...args]);
      expect([one.exit, one.out]).toEqual([0, ["freed 1 entry, 0 B (0 bytes)"]]);
      const unknown = await trash(["empty", "team/app:1.0", "--yes", ...args]);
      expect(unknown.exit).toBe(1);
      const rest = await trash(["empty", ...args], { answers: "yes" });
      expect(rest.asked[0]).toStartWith("Free 1 entry with 0 B (0 bytes) for good? ");
      expect([rest.exit, rest.out]).toEqual([0, ["freed 1 entry, 0 B (0 bytes)"]]);
      expect((await trash(["list", ...args])).err).toEqual(["the trash is empty"]);
    });
  });
});

describe("wharf trash", () => {
  test.each([
    [["restore"], "say what"],
    [["restore", "--all", "a"], "exclude each other"],
    [["restore", "--run", "x"], "the number of a collection"],
    [["restore", "UP/case"], "grammar"],
    [["restore", "a:b@c"], "digest"],
    [["empty", "a", "--run", "1"], "exclude each other"],
    [["list", "--data", "x", "--registry", "y"], "exclude each other"],
  ])("refuses %j", async (args, reason) => {
    const { exit, err } = await trash(args);
    expect([exit, err.at(-1)]).toEqual([2, expect.stringContaining(reason)]);
  });

  test("refuses a folder that is no registry's", async () => {
    await using folder = await temporaryFolder();
    for (const command of [["list"], ["restore", "a", "-y"], ["empty", "-y"]]) {
      const { exit, err } = await trash([...command, "--data", folder.path]);
      expect([exit, err.at(-1)]).toEqual([1, expect.stringContaining("is no data folder")]);
    }
  });

  test("finds nothing in another registry's folder that it never collected, and leaves nothing there", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await used(folder, async () => {});
    await rm(join(data, "wharfinger"), { recursive: true });
    const before = await filesBelow(data);

    const listed = await trash(["list", "--data", data]);
    const restored = await trash(["restore", "--all", "--yes", "--data", data]);
    const emptied = await trash(["empty", "team/app", "--yes", "--data", data]);

    expect([listed.exit, listed.err]).toEqual([0, ["the trash is empty"]]);
    expect([restored.exit, restored.err]).toEqual([0, ["the trash has nothing of it"]]);
    expect(emptied.exit).toBe(1);
    expect(await filesBelow(data)).toEqual(before);
  });

  test("of a registry that is none of ours says so", async () => {
    using other = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => Response.json({}),
    });
    for (const command of [["list"], ["restore", "a", "-y"], ["empty", "-y"]]) {
      const { exit, err } = await trash([...command, "--registry", `127.0.0.1:${other.port}`]);
      expect([exit, err.at(-1)]).toEqual([1, expect.stringContaining("is not a Wharfinger")]);
    }
  });

  test("is refused by a registry that is read-only, but for a look", async () => {
    await using folder = await temporaryFolder();
    await used(folder, async () => {});
    const env = { WHARF_READ_ONLY: "true" };
    await using server = await startWharf({ data: folder.at("data"), env });
    const asked = ["--registry", server.host];

    expect((await trash(["list", ...asked])).out).toHaveLength(3);
    for (const command of [
      ["restore", "--all", "-y"],
      ["empty", "-y"],
    ]) {
      expect((await trash([...command, ...asked])).exit).toBe(5);
    }
  });
});

describe("wharf serve", () => {
  test("frees by itself what has been in the trash for long enough", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const env = { WHARF_TRASH_KEEP_FOR: "1s", WHARF_TRASH_FREE_SPACE: "0" };
    await using server = await startWharf({ data, env });
    await image().push(server.url, "team/app", "1.0");
    await followed(data);
    await fetch(`${server.url}/v2/team/app/manifests/1.0`, { method: "DELETE" });
    expect((await trash(["list", "--data", data])).out).toHaveLength(2);

    const deadline = performance.now() + 30_000;
    while (performance.now() < deadline) {
      if ((await trash(["list", "--data", data])).out.length === 0) break;
      await Bun.sleep(100);
    }

    expect((await trash(["list", "--data", data])).err).toEqual(["the trash is empty"]);
    expect(server.logs()).toContain("what was old in the trash was freed");
    await server.stop();
    await expectClean(data);
    expect(existsSync(join(data, "wharfinger", "metadata.sqlite"))).toBe(true);
  });
});
