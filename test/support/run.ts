export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds, after which the command is killed. */
  readonly timeout?: number;
}

/**
 * Runs a command to its end and returns its standard output.
 *
 * Throws, with the command and what it wrote, when it fails or takes too long.
 */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const timeout = options.timeout ?? 60_000;
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout,
    killSignal: "SIGKILL",
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) {
    const how =
      child.signalCode === null
        ? `exit code ${code}`
        : `${child.signalCode}, after at most ${timeout} ms`;
    throw new Error(`${command.join(" ")}\nended with ${how}\n${stderr}${stdout}`);
  }
  return stdout;
}
