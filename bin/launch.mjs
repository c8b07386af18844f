import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Runs Bun with this project's pinned version, for the user's own folder: `wharf` starts wherever
 * the user stands, so what lies there must not change how it runs.
 *
 * npm makes a command of a JavaScript file only, and where install scripts are off
 * `node_modules/.bin/bun` is a stub that complains: hence this small Node program between the two.
 */

const exe = process.platform === "win32" ? ".exe" : "";
const config = fileURLToPath(new URL("../bunfig.toml", import.meta.url));

const FLAGS = [
  // A bunfig.toml of the user's folder could preload code into the registry; ours is read instead.
  `--config=${config}`,
  "--no-env-file",
  // A missing package is a broken installation, to be said at once and not to be fetched unasked.
  "--no-install",
  // Even `kill -9` of this process must not leave a registry behind that still holds the data folder.
  "--no-orphans",
];

/** What Bun takes from its environment only. Whoever sets one of these wins. */
const TUNING = {
  // Files are read, written and synced in a pool of as many threads as there are cores less one. On a
  // small machine that is one, and a single slow sync would hold up all that touches the disk.
  UV_THREADPOOL_SIZE: "16",
  // The collector of garbage lets it grow with the memory that it believes the machine has. With this
  // belief, twenty layers arriving at once need about 150 MB in place of 430, at the same speed. No limit.
  BUN_JSC_forceRAMSize: String(256 * 1024 * 1024),
};

const FORWARDED = ["SIGTERM", "SIGINT", "SIGHUP"];

/**
 * Runs Bun with the arguments, on this terminal, and ends as it ends: same exit code, same signal.
 * Never ends before it.
 */
export function launch(args) {
  const bun = findBun();
  if (bun === undefined) return explain();

  const child = spawn(bun, [...FLAGS, ...args], {
    stdio: "inherit",
    env: { ...TUNING, ...process.env },
  });
  // Also those that a terminal's Ctrl-C or systemd has sent to the whole group, and so to the child: it
  // takes what comes together as one. Without a listener a signal would end this process before its child.
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`wharf: cannot start ${bun}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => (signal === null ? process.exit(code) : endBy(signal)));
}

/** A shell or a supervisor can tell "killed" from "exited" only if we go the same way. */
function endBy(signal) {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // Still here: the first process of a container cannot be ended by its own signal.
  process.exit(128 + constants.signals[signal]);
}

/**
 * The real binary: npm's install script moves it into the package `bun`; where scripts did not run,
 * it is still in the platform's own package. Both are resolved, not guessed at by path,
 * because wharfinger itself may be someone's dependency and they then lie in another node_modules.
 */
function findBun() {
  const home = folderOf("bun", import.meta.url);
  if (home === undefined) return undefined;
  const installed = join(home, "bin", "bun.exe");
  if (isBinary(installed)) return installed;
  for (const name of platformPackages()) {
    const folder = folderOf(name, join(home, "package.json"));
    const binary = folder && join(folder, "bin", `bun${exe}`);
    if (binary && isBinary(binary)) return binary;
  }
  return undefined;
}

function folderOf(name, from) {
  try {
    return dirname(createRequire(from).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

/** The stub is a shell script of a few lines; the binary has a hundred megabytes. */
function isBinary(path) {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 1_000_000;
}

function platformPackages() {
  const arch = process.arch === "arm64" ? "aarch64" : process.arch;
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@oven/bun-${platform}-${arch}`;
  if (platform !== "linux") return [name];
  // Some package managers install both: the musl one runs only where its loader is.
  const musl = existsSync(`/lib/ld-musl-${arch === "x64" ? "x86_64" : arch}.so.1`);
  return musl ? [`${name}-musl`, name] : [name];
}

function explain() {
  console.error(
    [
      `wharf: the Bun runtime for ${process.platform}-${process.arch} is not installed.`,
      "       It comes with the package's optional dependencies: install again without",
      "       --omit=optional (in a checkout: npm ci), on the platform where it is to run.",
    ].join("\n"),
  );
  process.exitCode = 1;
}
