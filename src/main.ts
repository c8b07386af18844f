import { basename } from "node:path";
import { createInterface } from "node:readline/promises";
import { Command, CommanderError } from "commander";
import { secretPrompt } from "./cli/ask-secret.ts";
import { Exit } from "./cli/exit.ts";
import type { Terminal } from "./cli/terminal.ts";
import { ERRORS } from "./oci/error-table.ts";
import { RegistryError } from "./oci/errors.ts";
import manifest from "../package.json" with { type: "json" };

type Make = (terminal: Terminal) => Command;

/**
 * The commands, all of them, in the order of the help. Each is loaded when it is called: a plan of some
 * hundred milliseconds shall not wait for a server that it does not start. `htpasswd` is what
 * bin/htpasswd.mjs calls: a password, its last word, may begin with a dash.
 */
const COMMANDS: Readonly<Record<string, () => Promise<Make>>> = {
  serve: async () => (await import("./cli/serve.ts")).serveCommand,
  keep: async () => (await import("./cli/keep.ts")).keepCommand,
  list: async () => (await import("./cli/list.ts")).listCommand,
  delete: async () => (await import("./cli/delete.ts")).deleteCommand,
  du: async () => (await import("./cli/du.ts")).duCommand,
  check: async () => (await import("./cli/check.ts")).checkCommand,
  prune: async () => (await import("./cli/prune.ts")).pruneCommand,
  apply: async () => (await import("./cli/apply.ts")).applyCommand,
  gc: async () => (await import("./cli/gc.ts")).gcCommand,
  trash: async () => (await import("./cli/trash.ts")).trashCommand,
  backup: async () => (await import("./cli/backup.ts")).backupCommand,
  restore: async () => (await import("./cli/restore.ts")).restoreCommand,
  user: async () => (await import("./cli/user.ts")).userCommand,
  token: async () => (await import("./cli/token.ts")).tokenCommand,
  config: async () => (await import("./cli/config.ts")).configCommand,
  import: async () => (await import("./cli/import.ts")).importCommand,
  registry: async () => {
    const { registryCommand } = await import("./cli/registry.ts");
    return (terminal) => registryCommand(terminal, manifest.version);
  },
  completion: async () => (await import("./cli/completion.ts")).completionCommand,
};
const HIDDEN: typeof COMMANDS = {
  htpasswd: async () => (await import("./cli/htpasswd.ts")).htpasswdCommand,
};

/** The program with the one command that is called, or with all of them for whoever asks what there is. */
async function program(called = ""): Promise<Command> {
  const one = [COMMANDS, HIDDEN].find((among) => Object.hasOwn(among, called))?.[called];
  if (one) return wharf().addCommand((await one())(terminal));
  const [makes, hidden, { helpCommand }, { completeCommand }] = await Promise.all([
    Promise.all(Object.values(COMMANDS).map((load) => load())),
    Promise.all(Object.values(HIDDEN).map((load) => load())),
    import("./cli/help.ts"),
    import("./cli/completion.ts"),
  ]);
  const whole = (): Command => {
    const all = wharf();
    for (const make of makes) all.addCommand(make(terminal));
    all.addCommand(helpCommand(whole, terminal));
    all.addCommand(completeCommand(whole, terminal), { hidden: true });
    for (const make of hidden) all.addCommand(make(terminal), { hidden: true });
    return all;
  };
  return whole();
}

function wharf(): Command {
  return new Command("wharf")
    .description("A private container registry that keeps itself clean.")
    .version(manifest.version, "-V, --version")
    .exitOverride()
    .enablePositionalOptions()
    .helpCommand(false);
}

/**
 * A stop often arrives twice: a terminal and systemd tell the whole process group, and the launcher
 * passes on what it was told. Only what comes later than this is a second wish.
 */
const ONE_STOP_MS = 500;

/** The listeners stay for good: without one, the signal's default would end the process at once. */
function onStop(heard: (signal: string) => void): void {
  let last = Number.NEGATIVE_INFINITY;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      const now = performance.now();
      if (now - last > ONE_STOP_MS) heard(signal);
      last = now;
    });
  }
}

const terminal: Terminal = {
  environment: process.env,
  interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
  stdoutIsTerminal: process.stdout.isTTY === true,
  stderrIsTerminal: process.stderr.isTTY === true,
  print: (line) => void process.stdout.write(`${line}\n`),
  output: (text) =>
    new Promise((resolve) => {
      process.stdout.write(text, () => resolve());
    }),
  note: (line) => void process.stderr.write(`${line}\n`),
  async ask(question) {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await lines.question(question);
    } finally {
      lines.close();
    }
  },
  askSecret: secretPrompt(process.stdin, (text) => void process.stderr.write(text)),
  readInput: async () => new Uint8Array(await Bun.stdin.arrayBuffer()),
  onStop,
  onReload: (heard) => void process.on("SIGHUP", heard),
};

/** The exit code of a failed command; the only place where an error becomes a line on the terminal. */
function report(error: unknown): number {
  if (error instanceof Exit) return error.code;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof RegistryError) {
    terminal.note(`wharf: ${error.message}`);
    terminal.note(`       ${ERRORS[error.kind].remedy}`);
    return ERRORS[error.kind].exit;
  }
  // Ctrl-C or Ctrl-D where a question was asked.
  if (error instanceof Error && error.name === "AbortError") return 130;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.note(`wharf: ${text}`);
  return 1;
}

/** Output that could not be written: a full disk, or a reader that has gone. */
let lost = false;
process.stdout.on("error", () => {
  lost = true;
});

/** Ends the process when a slow reader of our output has all of it: an exit alone would cut it off. */
async function leave(code: number): Promise<never> {
  await new Promise<void>((resolve) => {
    process.stdout.end(resolve);
  });
  process.exit(lost && code === 0 ? 1 : code);
}

/** Programs of their own; a build into one file is the one by whose name it was started. */
const PROGRAMS = ["registry", "htpasswd"];
const called = basename(process.argv0);
const args = [...(PROGRAMS.includes(called) ? [called] : []), ...process.argv.slice(2)];
const asRegistry = args[0] === "registry";
try {
  if (asRegistry) {
    const { registryCommand } = await import("./cli/registry.ts");
    const command = registryCommand(terminal, manifest.version);
    await command.parseAsync(args.slice(1), { from: "user" });
  } else {
    const command = await program(args[0]);
    await command.parseAsync(args, { from: "user" });
  }
  await leave(0);
} catch (error) {
  const code = report(error);
  // Scripts around the other registry know no other code.
  await leave(asRegistry ? Math.min(code, 1) : code);
}
