import { RegistryError } from "../../oci/errors.ts";
import type { WorkDone } from "../work.ts";
import { CommandReport } from "./command-report.ts";
import type { Say } from "./tree.ts";
import { usedBytes } from "./used-bytes.ts";

/** The `garbage-collect` of another registry, as a command of this machine. */
export interface CommandSettings {
  readonly collector: "registry" | "docker-exec";
  /** Program and arguments up to `garbage-collect`: `registry`, or `docker exec NAME registry`. */
  readonly command: readonly string[];
  /** The registry's config.yml, where the command finds it. */
  readonly config: string;
  /** Undefined: as its version allows. */
  readonly deleteUntagged: boolean | undefined;
  /** The registry's folder as seen from here, to measure what was freed; null: it is not. */
  readonly folder: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The first version whose `--delete-untagged` leaves the platforms of tagged indexes alone. */
const KEEPS_CHILDREN = 3;

/**
 * Runs it to its end. A stop does not cut it off, not even the second: what a sweep that is killed leaves
 * behind are images with holes. It gets no signal of the terminal either. Throws REMOTE when it fails.
 */
export async function collectByCommand(settings: CommandSettings, say: Say): Promise<WorkDone> {
  const { collector, command, config, folder, environment } = settings;
  const untagged = settings.deleteUntagged ?? (await keepsChildren(command, environment));
  if (settings.deleteUntagged === undefined && !untagged) {
    say(
      { collector },
      "untagged manifests stay: with them the garbage-collect of a registry 2 would take the platforms of " +
        "multi-platform images. `deleteUntagged: true` makes it, `with: tree` does it right",
    );
  }
  const before = folder === null ? null : await usedBytes(folder);
  const flags = untagged ? ["--delete-untagged"] : [];
  const report = new CommandReport();
  const exit = await run([...command, "garbage-collect", ...flags, config], environment, (line) =>
    report.line(line),
  );
  if (exit !== 0) {
    const reason = `${command.join(" ")} garbage-collect ended with ${exit}: ${report.lastLines()}`;
    throw new RegistryError("REMOTE", { reason });
  }
  const after = folder === null ? null : await usedBytes(folder);
  // Somebody may have pushed meanwhile: what is more than before is no negative freeing.
  const bytes = before === null || after === null ? null : Math.max(0, before - after);
  const { blobs, manifests } = report;
  return {
    outcome: "done",
    reason: null,
    tags: 0,
    manifests,
    bytes,
    kept: 0,
    document: { collector, manifests, blobs, bytes, before, after, deleteUntagged: untagged },
  };
}

async function keepsChildren(
  command: readonly string[],
  environment: CommandSettings["environment"],
): Promise<boolean> {
  let text = "";
  const exit = await run([...command, "--version"], environment, (line) => (text += `${line}\n`));
  const major = /\bv?(\d+)\.\d+\.\d+/.exec(text)?.[1];
  return exit === 0 && major !== undefined && Number(major) >= KEEPS_CHILDREN;
}

/** Lines longer than this are nothing that a registry says. */
const LONGEST_LINE = 10_000;

/** Resolves to the exit code, or to the name of the signal that ended it. Throws REMOTE when it cannot be started. */
async function run(
  words: readonly string[],
  environment: CommandSettings["environment"],
  heard: (line: string) => void,
): Promise<number | string> {
  const child = start(words, environment);
  const read = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = (lines.pop() ?? "").slice(0, LONGEST_LINE);
      for (const line of lines) heard(line.slice(0, LONGEST_LINE));
    }
    if (rest !== "") heard(rest);
  };
  await Promise.all([read(child.stdout), read(child.stderr), child.exited]);
  return child.signalCode ?? child.exitCode ?? 1;
}

function start(words: readonly string[], environment: CommandSettings["environment"]) {
  try {
    return Bun.spawn([...words], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...environment },
      // In a group of its own, which Ctrl-C at a terminal does not reach.
      detached: true,
    });
  } catch (error) {
    const reason = `${words[0]} cannot be started (${(error as Error).message})`;
    throw new RegistryError("REMOTE", { reason }, { cause: error });
  }
}
