import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { image, index } from "../support/image.ts";
import { type Server, startServer } from "../support/process.ts";
import { notServed, tagsOf } from "../support/pull.ts";

setDefaultTimeout(60_000);

const wharf = join(import.meta.dir, "..", "..", "bin", "wharf.mjs");

/** `wharf serve` in a folder of its own; errors go into the file `stderr` there. */
async function serve(
  folder: Folder,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("WHARF_"));
  const script = 'cd "$0" && exec node "$@" 2>stderr';
  const server = await startServer({
    command: (listen) => {
      // Without a password it may listen on every address.
      const address = env["WHARF_AUTH"] === "none" ? listen.replace(/.*:/, ":") : listen;
      return ["sh", "-c", script, folder.path, wharf, "serve", "--listen", address, ...args];
    },
    env: { ...Object.fromEntries(own), ...env },
    ready: { path: "/v2/", statuses: [200] },
  });
  // It answers a moment before it says so.
  await eventually(
    async () => server.logs(),
    (logs) => logs.includes("docker push"),
  );
  return server;
}

interface Line {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly [fact: string]: unknown;
}

/** What was logged; throws when a line is not JSON. */
async function logged(folder: Folder): Promise<Line[]> {
  const text = await Bun.file(folder.at("stderr")).text();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

describe("wharf serve", () => {
  test("says where it listens, where the data is, who may do what, and how to push", async () => {
    await using folder = await temporaryFolder();
    await using server = await serve(folder, ["--data", "some/where"]);

    expect(server.logs().split("\n")).toEqual([
      `Wharfinger serves ${server.url}`,
      `  data            ${join(await realpath(folder.path), "some", "where")}`,
      "  authentication  off: anyone on this machine may push, pull and delete",
      "Push a first image:",
      `  docker tag IMAGE ${server.host}/my/image:1`,
      `  docker push ${server.host}/my/image:1`,
      "",
    ]);
  });

  test("keeps its data in ./data unless told otherwise", async () => {
    await using folder = await temporaryFolder();
    await using server = await serve(folder);

    expect(existsSync(folder.at("data", "wharfinger", "metadata.sqlite"))).toBe(true);
    expect(server.logs()).toContain(join(await realpath(folder.path), "data"));
  });

  test("on every address says that everybody who reaches it may push", async () => {
    await using folder = await temporaryFolder();
    await using server = await serve(folder, [], { WHARF_AUTH: "none" });
    const port = new URL(server.url).port;

    // Both families, where this machine has both.
    expect(server.logs()).toMatch(
      new RegExp(`Wharfinger serves http://(0\\.0\\.0\\.0|\\[::\\]):${port}\n`),
    );
    const hosts = server.logs().includes("[::]") ? ["127.0.0.1", "[::1]"] : ["127.0.0.1"];
    for (const host of hosts) expect((await fetch(`http://${host}:${port}/v2/`)).status).toBe(200);
    expect(server.logs()).toContain("off: anyone who reaches this address may push");
    expect(server.logs()).toContain(`docker push ${server.host}/my/image:1`);
  });

  test("logs JSON lines where there is no terminal, and ends with 0 at SIGTERM", async () => {
    await using folder = await temporaryFolder();
    await using server = await serve(folder);
    await image().push(server.url, "team/app", "v1");

    expect(await server.stop("SIGTERM")).toEqual({ code: 0, signal: null });

    const lines = await logged(folder);
    expect(lines.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(["request", "stopping when all transfers have ended"]),
    );
    for (const { level, time } of lines) {
      expect(level).toBe("info");
      expect(new Date(time).toISOString()).toBe(time);
    }
  });

  test("gives its folder back when it ends", async () => {
    await using folder = await temporaryFolder();
    const pushed = image();
    {
      await using server = await serve(folder);
      await pushed.push(server.url, "team/app", "v1");
    }

    await using server = await serve(folder);

    expect(await notServed(server.url, "team/app", "v1", pushed)).toEqual([]);
  });
});

describe("the first opening of a tree", () => {
  test("says how much was read, once, and everything in it is served", async () => {
    await using folder = await temporaryFolder();
    const app = index([image(), image()]);
    const other = image();
    {
      await using server = await serve(folder);
      await app.push(server.url, "team/app", "v1", "v2");
      await other.push(server.url, "other", "latest");
      expect((await server.stop()).code).toBe(0);
    }
    await rm(folder.at("data", "wharfinger"), { recursive: true });
    {
      await using server = await serve(folder);

      const read = { repositories: 2, manifests: 4, tags: 3, problems: 0 };
      const said = await eventually(
        () => logged(folder),
        (lines) => lines.some(({ msg }) => msg === "the tree was read"),
      );
      expect(said).toContainEqual(
        expect.objectContaining({ level: "info", msg: "the tree was read", ...read }),
      );
      expect(await tagsOf(server.url, "team/app")).toEqual(["v1", "v2"]);
      expect(await notServed(server.url, "team/app", "v2", app)).toEqual([]);
      expect(await notServed(server.url, "other", "latest", other)).toEqual([]);
    }

    await using server = await serve(folder);

    const again = await eventually(
      () => logged(folder),
      (lines) => lines.some(({ msg }) => msg.startsWith("the tree was compared")),
    );
    expect(again).toContainEqual(expect.objectContaining({ repositories: 2, changed: 0 }));
    expect(again.map(({ msg }) => msg)).not.toContain("the tree was read");
    expect(await notServed(server.url, "other", "latest", other)).toEqual([]);
  });
});
