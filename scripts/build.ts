import { mkdir, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";

/**
 * `npm run build`: the whole program with its runtime as one file, `dist/wharf`, which needs nothing else.
 * `dist/registry` and `dist/htpasswd` are links to it: by these names it is those programs.
 * `--target=bun-linux-arm64` and the like build for other machines (Bun fetches their runtime).
 */

const root = join(import.meta.dir, "..");

/** The files that are started as workers, in the order in which they are found. */
export async function workers(): Promise<string[]> {
  const found = new Set<string>();
  for await (const path of new Bun.Glob("src/**/*.ts").scan(root)) {
    const text = path.endsWith(".test.ts") ? "" : await Bun.file(join(root, path)).text();
    const starts = text.matchAll(/new Worker\(\s*new URL\("(?<file>[^"]+)",\s*import\.meta\.url/g);
    for (const { groups } of starts) found.add(join(dirname(path), groups?.["file"] ?? ""));
  }
  return [...found].toSorted();
}

/** Builds into a folder, which is emptied; the options are those of `bun build`. Returns its exit code. */
export async function build(dist: string, options: readonly string[] = []): Promise<number> {
  // Workers are found beside the program, so all must lie in one folder: each entry imports the real one.
  const entries = join(dist, "entries");
  const programs = ["src/main.ts", ...(await workers())];
  if (new Set(programs.map((path) => basename(path))).size < programs.length) {
    throw new Error(`two workers have the same name: ${programs.join(", ")}`);
  }
  await rm(dist, { recursive: true, force: true });
  await mkdir(entries, { recursive: true });
  for (const path of programs) {
    const from = relative(entries, join(root, path));
    await Bun.write(join(entries, basename(path)), `import ${JSON.stringify(from)};\n`);
  }
  const command = [
    process.execPath,
    "build",
    "--compile",
    // What lies in the user's folder must not change how it runs.
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    ...options,
    ...programs.map((path) => join(entries, basename(path))),
    `--outfile=${join(dist, "wharf")}`,
  ];
  const { exitCode } = Bun.spawnSync(command, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  await rm(entries, { recursive: true });
  if (exitCode === 0) {
    for (const name of ["registry", "htpasswd"]) await symlink("wharf", join(dist, name));
  }
  return exitCode;
}

if (import.meta.main) process.exit(await build(join(root, "dist"), process.argv.slice(2)));
