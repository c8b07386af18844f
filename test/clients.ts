import { existsSync } from "node:fs";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  cacheFolder,
  client,
  isRoot,
  peers,
  pythonPackages,
  registryFolder,
  type Peer,
} from "./support/peers.ts";
import { run } from "./support/run.ts";

export interface ClientReport {
  readonly ready: readonly Peer[];
  /** Their groups of tests are skipped, or fail with CI=true. */
  readonly missing: readonly { readonly peer: Peer; readonly reason: string }[];
}

const apt = [
  "apt-get",
  "-qq",
  "-y",
  "-o",
  "DPkg::Lock::Timeout=120",
  "-o",
  "Acquire::http::Timeout=30",
  "-o",
  "Acquire::Retries=1",
];
const noQuestions = { DEBIAN_FRONTEND: "noninteractive" };
const patience = 600_000;

/** Installs what the end-to-end tests need, where that is possible; takes no time when it is all there. */
export async function prepareClients(): Promise<ClientReport> {
  const failures = new Map<Peer, string>();
  const install = async (
    missing: readonly Peer[],
    how: (missing: readonly Peer[]) => Promise<void>,
  ): Promise<void> => {
    if (missing.length === 0) return;
    console.error(`preparing ${missing.join(", ")} for the end-to-end tests`);
    await how(missing).catch((error: unknown) => {
      // Of what apt-get and pip write, the last line says what went wrong.
      const reason =
        (error instanceof Error ? error.message : String(error)).trim().split("\n").at(-1) ?? "";
      for (const peer of missing) failures.set(peer, reason);
    });
  };

  // A program that is there and yet of no use here would not be of more use if it were installed again.
  const packages = (["skopeo", "buildah", "podman", "strace", "openssl"] as const).filter(
    (peer) => Bun.which(peer) === null,
  );
  await install(packages, installPackages);
  await install((["docker-registry"] as const).filter(absent), unpackRegistry);
  for (const peer of ["oras", "schemathesis"] as const) {
    await install([peer].filter(absent), () => installPython(peer));
  }

  const found = peers.map((peer) => ({ peer, found: client(peer) }));
  const missing = found.flatMap(({ peer, found: it }) =>
    "reason" in it ? [{ peer, reason: failures.get(peer) ?? it.reason }] : [],
  );
  const consequence = process.env["CI"] === "true" ? "its tests fail" : "its tests are skipped";
  for (const { peer, reason } of missing)
    console.error(`${peer} is missing, ${consequence}: ${reason}`);
  return { ready: peers.filter((peer) => "path" in client(peer)), missing };
}

function absent(peer: Peer): boolean {
  return "reason" in client(peer);
}

let updated: Promise<unknown> | undefined;

/** Package lists are fetched only when something has to be installed, and then once. */
async function updatePackageLists(): Promise<void> {
  updated ??= run([...apt, "update"], { env: noQuestions, timeout: patience });
  await updated;
}

async function installPackages(packages: readonly Peer[]): Promise<void> {
  requireAptGet();
  if (!isRoot()) throw new Error("only root can install Debian packages");
  await updatePackageLists();
  // Of a runtime for containers they need any one; the other recommendations serve running containers.
  const wanted = packages.includes("podman") ? [...packages, "crun"] : packages;
  await withoutStartingServices(() =>
    run([...apt, "install", "--no-install-recommends", ...wanted], {
      env: noQuestions,
      timeout: patience,
    }),
  );
}

/**
 * Debian's registry is unpacked into the cache instead of installed: its package brings a service that
 * starts at once and at each boot, and takes port 5000; the program inside needs nothing but libc.
 */
async function unpackRegistry(): Promise<void> {
  requireAptGet();
  if (isRoot()) await updatePackageLists();
  const download = join(cacheFolder, "download");
  await rm(download, { recursive: true, force: true });
  await mkdir(download, { recursive: true });
  // apt-get would otherwise download as a user of its own, who may not write here.
  await run([...apt, "-o", "APT::Sandbox::User=root", "download", "docker-registry"], {
    cwd: download,
    timeout: patience,
  });
  const [archive] = await Array.fromAsync(new Bun.Glob("*.deb").scan(download));
  if (archive === undefined) throw new Error("apt-get download left no package");
  await run(["dpkg-deb", "-x", join(download, archive), registryFolder]);
  await rm(download, { recursive: true });
}

async function installPython(name: keyof typeof pythonPackages): Promise<void> {
  if (Bun.which("python3") === null) throw new Error("python3 was not found");
  const { version, folder, complete } = pythonPackages[name];
  await rm(folder, { recursive: true, force: true });
  await mkdir(cacheFolder, { recursive: true });
  await run(["python3", "-m", "venv", folder], { timeout: patience });
  const pip = [join(folder, "bin", "python"), "-m", "pip", "--quiet", "--retries=1"];
  await run([...pip, "install", `${name}==${version}`], { timeout: patience });
  await writeFile(complete, `${version}\n`);
}

function requireAptGet(): void {
  if (Bun.which("apt-get") === null)
    throw new Error("it is not installed, and there is no apt-get to install it with");
}

const policy = "/usr/sbin/policy-rc.d";
const setAside = `${policy}.before-wharf-tests`;

/** Maintainer scripts ask policy-rc.d before they start a service; for a moment it answers 101, "forbidden". */
async function withoutStartingServices(work: () => Promise<unknown>): Promise<void> {
  // A run that was killed half-way has left its own answer behind: never save that as the machine's.
  const had = existsSync(setAside) || (existsSync(policy) && !(await isOurs(policy)));
  if (had && !existsSync(setAside)) await rename(policy, setAside);
  await writeFile(policy, "#!/bin/sh\n# wharf tests\nexit 101\n");
  await chmod(policy, 0o755);
  try {
    await work();
  } finally {
    if (had) await rename(setAside, policy);
    else await rm(policy);
  }
}

async function isOurs(path: string): Promise<boolean> {
  return (await Bun.file(path).text()).includes("# wharf tests");
}
