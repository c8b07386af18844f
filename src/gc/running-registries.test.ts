import { expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runningRegistries } from "./running-registries.ts";

interface Process {
  readonly words: readonly string[];
  readonly environ?: Readonly<Record<string, string>>;
  /** Of its configuration, at the path that its words name. */
  readonly config?: string;
}

/** A machine with one process, whose root is a folder of its own, as in a container. */
async function machine({ words, environ = {}, config }: Process) {
  const top = await mkdtemp(join(tmpdir(), "wharf-proc-"));
  const [data, other, proc] = ["root/data", "root/other", "proc"].map((name) => join(top, name));
  const place = join(proc!, "42");
  for (const folder of [data!, other!, place, join(top, "root", "etc")]) {
    await mkdir(folder, { recursive: true });
  }
  await symlink(join(top, "root"), join(place, "root"));
  await symlink(data!, join(place, "cwd"));
  await writeFile(join(place, "cmdline"), words.map((word) => `${word}\0`).join(""));
  const variables = Object.entries(environ).map(([name, value]) => `${name}=${value}\0`);
  await writeFile(join(place, "environ"), variables.join(""));
  if (config !== undefined) await writeFile(join(top, "root", words[2] ?? "none"), config);
  return {
    data: data!,
    other: other!,
    find: (folder: string) => runningRegistries(folder, proc),
    [Symbol.asyncDispose]: async () => await rm(top, { recursive: true }),
  };
}

const SERVE = ["/bin/registry", "serve", "/etc/config.yml"];

test("a registry is found by the folder that its configuration names, as it sees it", async () => {
  const config =
    "version: 0.1\nstorage: { filesystem: { rootdirectory: /data }, cache: { blobdescriptor: inmemory } }";
  await using one = await machine({ words: SERVE, config });

  expect(one.find(one.data)).toEqual([{ pid: 42, caches: true }]);
  expect(one.find(one.other)).toEqual([]);
});

test("its variables win over its configuration, and a relative folder lies below where it runs", async () => {
  const environ = { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: "/data" };
  const config = "storage: { filesystem: { rootdirectory: /other } }";
  await using told = await machine({ words: SERVE, environ, config });
  await using relative = await machine({
    words: ["docker-registry", "serve", "etc/../../etc/config.yml"],
    environ: { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: "." },
  });

  expect(told.find(told.data)).toEqual([{ pid: 42, caches: false }]);
  expect(told.find(told.other)).toEqual([]);
  expect(relative.find(relative.data)).toHaveLength(1);
});

test.each([
  ["another program", { words: ["/bin/other", "serve", "/etc/config.yml"] }],
  ["another command of it", { words: ["/bin/registry", "garbage-collect", "/etc/config.yml"] }],
  [
    "one whose configuration came through a pipe",
    { words: ["/bin/registry", "serve", "/dev/stdin"] },
  ],
  ["a kernel thread", { words: [] }],
] as const)("%s is none", async (_, process) => {
  await using one = await machine(process);

  expect(one.find(one.data)).toEqual([]);
});

test("a configuration that is no YAML names the default folder", async () => {
  await using one = await machine({ words: SERVE, config: "{{" });

  expect(one.find(one.data)).toEqual([]);
});

test("where there is no /proc nothing is found", () => {
  expect(runningRegistries("/", "/nowhere/proc")).toEqual([]);
});
