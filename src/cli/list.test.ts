import { describe, expect, test } from "bun:test";
import { type Person, type Ran, runCommand } from "../../test/support/command.ts";
import { fakeRegistry, ociError } from "../../test/support/fake-registry.ts";
import { temporaryFolder } from "../../test/support/folder.ts";
import { image, index } from "../../test/support/image.ts";
import { localRegistry } from "../../test/support/local-registry.ts";
import { listCommand } from "./list.ts";
import type { Terminal } from "./terminal.ts";

const DAY = 24 * 3600 * 1000;

/** Runs `wharf list`, three days from now, so that what was just pushed has an age. */
async function list(args: readonly string[], person: Person = {}): Promise<Ran> {
  const make = (terminal: Terminal) => listCommand(terminal, () => Date.now() + 3.5 * DAY);
  return await runCommand(make, args, person);
}

describe("wharf list", () => {
  test("shows the repositories of the registry that the environment names", async () => {
    await using registry = await localRegistry();
    await image().push(registry.url, "team/app", "1");
    await image().push(registry.url, "zoo", "1");

    const ran = await list([], { environment: { WHARF_REGISTRY: registry.host } });

    expect(ran).toEqual({ exit: 0, out: ["REPOSITORY", "team/app", "zoo"], err: [], asked: [] });
  });

  test("asks the registry that is named on the line, rather than that of the environment", async () => {
    await using registry = await localRegistry();
    await image().push(registry.url, "app", "1");
    const person = { environment: { WHARF_REGISTRY: "127.0.0.1:1" } };

    expect((await list(["--registry", registry.url, "-q"], person)).out).toEqual(["app"]);
    expect((await list([`${registry.host}/app`, "-q"], person)).out).toEqual(["1"]);
  });

  test("says on stderr that there is nothing, and nothing on stdout", async () => {
    await using registry = await localRegistry();

    for (const style of [[], ["-q"]]) {
      const { exit, out, err } = await list(["--registry", registry.url, ...style]);
      expect([exit, out]).toEqual([0, []]);
      expect(err).toEqual([`${registry.url} has no repositories yet`]);
    }
    const json = await list(["--registry", registry.url, "--json"]);
    expect(JSON.parse(json.out.join("\n"))).toEqual({
      schemaVersion: 1,
      registry: registry.url,
      repositories: [],
    });
  });

  test("ends with 1 and says where it asked when nobody answers there", async () => {
    const { exit, err } = await list(["--registry", "127.0.0.1:1"]);

    expect(exit).toBe(1);
    expect(err.join()).toContain("http://127.0.0.1:1: nothing listens there");
  });

  test("has the alias and the options that hands know, and examples", async () => {
    const { exit, out } = await list(["--help"]);
    const help = out.join("\n");

    expect(exit).toBe(0);
    for (const word of [
      "list|ls",
      "-q, --quiet",
      "--json",
      "--no-trunc",
      "--registry <URL>",
      "Examples:",
    ]) {
      expect(help).toContain(word);
    }
    expect(Math.max(...out.map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});

describe("wharf list REPO", () => {
  test("shows what each tag names, in columns", async () => {
    await using registry = await localRegistry();
    const arm = image({ platform: { os: "linux", architecture: "arm64" } });
    const both = index([image({ platform: { os: "linux", architecture: "amd64" } }), arm]);
    await both.push(registry.url, "app", "1.0");
    const person = { environment: { WHARF_REGISTRY: registry.host }, stdoutIsTerminal: true };

    const { out } = await list(["app"], person);
    const [head = "", row = ""] = out;

    expect(head.split(/ +/)).toEqual(["TAG", "DIGEST", "SIZE", "PLATFORMS", "PUSHED"]);
    expect(row).toContain(both.digest.slice("sha256:".length, "sha256:".length + 12));
    expect(row).not.toContain(both.digest);
    expect(row).toMatch(/^1\.0 .* KiB  linux\/amd64, linux\/arm64  3 days ago$/);
    expect((await list(["app", "--no-trunc"], person)).out.join()).toContain(both.digest);
    // Where no person reads, times are times.
    const piped = await list(["app"], { ...person, stdoutIsTerminal: false });
    expect(piped.out.join()).toMatch(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/);
  });

  test("as JSON is one document with everything whole", async () => {
    await using registry = await localRegistry();
    const one = index([image()]);
    await one.push(registry.url, "app", "1");

    for (const style of [["--json"], ["--format", "json"], ["--json", "-q"]]) {
      const { out } = await list(["app", "--registry", registry.url, ...style]);
      expect(JSON.parse(out.join("\n"))).toEqual({
        schemaVersion: 1,
        registry: registry.url,
        repository: "app",
        tags: [
          {
            tag: "1",
            digest: one.digest,
            mediaType: one.mediaType,
            size: expect.any(Number),
            platforms: expect.any(Array),
            pushedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          },
        ],
      });
    }
  });

  test("quietly is one name a line, for scripts", async () => {
    await using registry = await localRegistry();
    await image().push(registry.url, "app", "b", "a");

    expect((await list(["app", "-q", "--registry", registry.url])).out).toEqual(["a", "b"]);
  });

  test("that is not there ends with 1, and one that was misspelled with 2", async () => {
    await using registry = await localRegistry();
    const at = ["--registry", registry.url];

    expect(await list(["nowhere", ...at])).toMatchObject({ exit: 1, out: [] });
    expect((await list(["No Where", ...at])).exit).toBe(2);
    expect((await list(["app:1", ...at])).err.join()).toContain("say app");
    expect((await list(["app:1", ...at])).exit).toBe(2);
    expect((await list(["--format", "xml", ...at])).exit).toBe(2);
    expect((await list(["--bogus", ...at])).exit).toBe(2);
  });
});

describe("a registry that is not ours", () => {
  test("that is hostile does not get to speak to the terminal", async () => {
    const evil = "\u001b[2J\u009bevil\u202e\nwharf: deleted everything";
    await using registry = fakeRegistry(({ path }) => {
      if (path.startsWith("/v2/_catalog")) return Response.json({ repositories: [evil, "app"] });
      if (path.startsWith("/v2/app/tags")) return Response.json({ tags: [evil] });
      return ociError(404, "\u001b", evil);
    });

    for (const args of [
      [],
      ["app"],
      ["-q"],
      ["app", "-q"],
      ["--json"],
      ["app", "--json"],
      ["gone"],
    ]) {
      const { out, err } = await list([...args, "--registry", registry.url]);
      const text = [...out, ...err].join("");
      expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect([...out, ...err]).not.toContain("wharf: deleted everything");
    }
    const { out } = await list(["--json", "--registry", registry.url]);
    expect((JSON.parse(out.join("\n")) as { repositories: unknown[] }).repositories[0]).toEqual({
      name: evil,
    });
  });

  test("is opened with the credentials that docker login left, and ends with 4 without them", async () => {
    await using folder = await temporaryFolder();
    const basic = Buffer.from("me:secret").toString("base64");
    await using registry = fakeRegistry(({ authorization }) =>
      authorization === `Basic ${basic}`
        ? Response.json({ repositories: ["app"] })
        : ociError(401, "UNAUTHORIZED", "", { "www-authenticate": "Basic" }),
    );
    const config = { auths: { [registry.host]: { auth: basic } } };
    await Bun.write(folder.at("config.json"), JSON.stringify(config));
    const args = ["-q", "--registry", registry.url];

    const inside = await list(args, { environment: { DOCKER_CONFIG: folder.path } });
    const outside = await list(args, { environment: { DOCKER_CONFIG: folder.at("none") } });

    expect(inside).toMatchObject({ exit: 0, out: ["app"] });
    expect(outside).toMatchObject({ exit: 4, out: [] });
  });
});
