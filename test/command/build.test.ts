import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chown } from "node:fs/promises";
import manifest from "../../package.json" with { type: "json" };
import { build, workers } from "../../scripts/build.ts";
import { cleanEnvironment } from "../support/drop-in.ts";
import { type Folder, filesBelow, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { mayMount } from "../support/peers.ts";
import { startServer } from "../support/process.ts";
import { notServed } from "../support/pull.ts";

setDefaultTimeout(120_000);

let dist: Folder;

beforeAll(async () => {
  dist = await temporaryFolder();
  expect(await build(dist.at("out"))).toBe(0);
});

afterAll(async () => {
  await dist[Symbol.asyncDispose]();
});

const READY = { path: "/v2/", statuses: [200] };

/** Pushes, pulls, stops, and looks at what is in the tree: that needs every worker. */
async function works(command: (listen: string) => readonly string[], data: string): Promise<void> {
  const pushed = image({ layers: 3, size: 100_000 });
  await using server = await startServer({ command, env: cleanEnvironment(), ready: READY });
  await pushed.push(server.url, "team/app", "v1");
  expect(await notServed(server.url, "team/app", "v1", pushed)).toEqual([]);
  expect((await server.stop()).code).toBe(0);
  const files = await filesBelow(data);
  expect(files.filter((file) => file.endsWith("tags/v1/current/link"))).toHaveLength(1);
  expect(files.filter((file) => file.startsWith("docker/registry/v2/blobs/"))).toHaveLength(5);
}

describe("the program as one file", () => {
  test("is built with every worker that there is", async () => {
    expect(await workers()).toEqual(
      expect.arrayContaining(["src/metadata/sqlite-worker.ts", "src/metadata/tree-worker.ts"]),
    );
  });

  test("serves, without Node, without packages, whatever lies in the user's folder", async () => {
    await using folder = await temporaryFolder();
    await Bun.write(folder.at(".env"), "WHARF_DATA=/nowhere\nWHARF_NONSENSE=1\n");
    await Bun.write(folder.at("bunfig.toml"), 'preload = ["./evil.ts"]\n');
    await Bun.write(folder.at("evil.ts"), 'throw new Error("loaded")');
    const script = 'cd "$0" && exec env -i PATH=/nowhere "$@"';

    await works((listen) => {
      const program = ["sh", "-c", script, folder.path, dist.at("out", "wharf")];
      return [...program, "serve", "--listen", listen, "--data", folder.at("data")];
    }, folder.at("data"));
  });

  /** As another user, on a file system of which only the data folder can be written: command and arguments. */
  function confined(data: string, listen: string): string[] {
    const script = `set -e
mount --make-rprivate /
mount --bind "$1" /media
mount --bind "$2" /mnt
mount -t tmpfs -o ro none /tmp
mount -o remount,ro,bind /
cd /
exec setpriv --reuid=54321 --regid=0 --clear-groups --no-new-privs \\
  env -i TMPDIR=/mnt/wharfinger /media/wharf serve --listen "$3" --data /mnt`;
    return ["unshare", "--mount", "sh", "-c", script, "sh", dist.at("out"), data, listen];
  }

  test.skipIf(!mayMount())(
    "runs as any user, on a file system of which only the data folder can be written",
    async () => {
      await using folder = await temporaryFolder();
      const data = await folder.folder("data");
      await chown(data, 54_321, 0);

      await works((listen) => confined(data, listen), data);
    },
  );

  test.skipIf(!mayMount())("says what to do about a folder of another user", async () => {
    await using folder = await temporaryFolder();
    const data = await folder.folder("data");

    const { stderr, exitCode } = Bun.spawnSync(confined(data, "127.0.0.1:0"));

    expect(stderr.toString()).toContain(
      "this process is user 54321: as root, `chown -R 54321 /mnt`",
    );
    expect(exitCode).toBe(1);
  });

  test("is the distribution registry's executable by that name, and htpasswd by that", async () => {
    const as = (name: string, args: readonly string[]) => {
      const command = [dist.at("out", name), ...args];
      const { stdout, stderr, exitCode } = Bun.spawnSync(command, { env: cleanEnvironment() });
      return { out: stdout.toString(), err: stderr.toString(), exitCode };
    };
    const run = (...args: string[]) => as("registry", args);

    const [, user, hash] = /^(\w+):(\S+)\n/.exec(as("htpasswd", ["-Bbn", "alice", "pw"]).out) ?? [];
    expect(user).toBe("alice");
    expect(await Bun.password.verify("pw", (hash ?? "").replace("$2y$", "$2b$"))).toBe(true);
    expect(run("--version")).toMatchObject({
      out: `registry wharfinger ${manifest.version}\n`,
      exitCode: 0,
    });
    expect(run("garbage-collect", "-m", "/nowhere.yml")).toMatchObject({ out: "", exitCode: 1 });
    expect(run("serve", "/nowhere.yml").err).toContain("/nowhere.yml: it cannot be read");
  });
});
