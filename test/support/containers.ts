import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * The environment for skopeo, buildah and podman with nothing of the machine's or the user's in it:
 * an empty image store below the folder, no credentials, no settings.
 */
export async function containersIn(folder: string): Promise<Record<string, string>> {
  await mkdir(folder, { recursive: true });
  const storage = join(folder, "storage.conf");
  const settings = join(folder, "containers.conf");
  const credentials = join(folder, "auth.json");
  // vfs copies files instead of mounting anything, so it works inside containers and on every file system.
  await writeFile(
    storage,
    toml("storage", {
      driver: "vfs",
      graphroot: join(folder, "root"),
      runroot: join(folder, "run"),
    }),
  );
  // podman keeps its locks for the whole machine otherwise, and two runs at once would meet there.
  await writeFile(
    settings,
    toml("engine", {
      tmp_dir: join(folder, "tmp"),
      lock_type: "file",
      events_logger: "none",
      cgroup_manager: "cgroupfs",
    }),
  );
  await writeFile(credentials, "{}");
  return {
    CONTAINERS_STORAGE_CONF: storage,
    CONTAINERS_CONF: settings,
    REGISTRY_AUTH_FILE: credentials,
    BUILDAH_ISOLATION: "chroot",
    HOME: folder,
    TMPDIR: folder,
    NO_PROXY: "127.0.0.1",
    no_proxy: "127.0.0.1",
  };
}

function toml(table: string, values: Readonly<Record<string, string>>): string {
  const lines = Object.entries(values).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return [`[${table}]`, ...lines, ""].join("\n");
}
