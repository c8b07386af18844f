/**
 * Every child process of the benchmark is started here: each has an end in time, and none outlives the
 * benchmark, so that an interrupted run leaves no server behind.
 */
import { openSync, closeSync } from "node:fs";

type Child = Bun.Subprocess;

const running = new Set<Child>();
let ending = false;

export interface Options {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Runs a command to its end and returns its standard output; anything but exit code 0 is an error. */
export async function run(
  command: readonly string[],
  seconds: number,
  options: Options = {},
): Promise<string> {
  refuseWhenEnding();
  const child = Bun.spawn([...command], {
    ...options,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: seconds * 1000,
    killSignal: "SIGKILL",
  });
  running.add(child);
  const [output, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  running.delete(child);
  if (child.signalCode === "SIGKILL") throw new Error(`${command[0]} took more than ${seconds} s`);
  if (code !== 0)
    throw new Error(`${command.join(" ")}: exit code ${code}\n${errors}${output}`.trim());
  return output;
}

/** Starts a process that stays, with everything it prints in a file. */
export function startProcess(command: readonly string[], log: string, options: Options): Child {
  refuseWhenEnding();
  const file = openSync(log, "a");
  try {
    const child = Bun.spawn([...command], {
      ...options,
      stdin: "ignore",
      stdout: file,
      stderr: file,
    });
    running.add(child);
    void child.exited.then(() => running.delete(child));
    return child;
  } finally {
    closeSync(file);
  }
}

/** Asks a process to end, and insists after a while; false when it had to insist. */
export async function stopProcess(child: Child, patienceSeconds: number): Promise<boolean> {
  child.kill("SIGTERM");
  const ended = await Promise.race([
    child.exited.then(() => true),
    Bun.sleep(patienceSeconds * 1000),
  ]);
  if (ended === true) return true;
  child.kill("SIGKILL");
  await child.exited;
  return false;
}

/** The way out of an interrupted benchmark: what runs is ended, and nothing more is started. */
export async function stopEverything(): Promise<void> {
  ending = true;
  await Promise.all([...running].map((child) => stopProcess(child, 5)));
}

function refuseWhenEnding(): void {
  if (ending) throw new Error("The benchmark is ending.");
}
