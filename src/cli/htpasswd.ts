import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { hasUser, removeUser, setUser } from "../auth/edit-users.ts";
import { MOST_COST, faultOfName, parseHtpasswd, parseLine } from "../auth/htpasswd.ts";
import { hashPassword, verifyPassword } from "../auth/passwords.ts";
import { rewriteFile } from "../auth/rewrite-file.ts";
import { Exit } from "./exit.ts";
import { withoutLineEnd } from "./new-password.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

/** The exit codes of Apache's htpasswd. */
const EXIT = { file: 1, usage: 2, password: 3, long: 5, name: 6, invalid: 7 } as const;

const USAGE = [
  "Usage:",
  "\thtpasswd [-ciBDv] [-C cost] passwordfile username",
  "\thtpasswd -b[cBv] [-C cost] passwordfile username password",
  "",
  "\thtpasswd -n[iB] [-C cost] username",
  "\thtpasswd -nb[B] [-C cost] username password",
  " -c  Create a new file.",
  " -n  Don't update file; display results on stdout.",
  " -b  Use the password from the command line rather than prompting for it.",
  " -i  Read password from stdin without verification (for script usage).",
  " -B  Force bcrypt hashing of the password (always so here).",
  ` -C  Set the computing time of bcrypt (default: 5, valid: 4 to ${MOST_COST}).`,
  " -D  Delete the specified user.",
  " -v  Verify password for the specified user.",
];

interface Flags {
  readonly c?: boolean;
  readonly n?: boolean;
  readonly b?: boolean;
  readonly i?: boolean;
  readonly D?: boolean;
  readonly v?: boolean;
  readonly C: string;
}

/**
 * What `htpasswd` of Apache does, with bcrypt alone: the same flags, words and exit codes. It is what
 * most instructions for a private registry tell people to run.
 */
export function htpasswdCommand(terminal: Terminal): Command {
  const command = subcommand("htpasswd", terminal)
    .helpOption(false)
    .passThroughOptions()
    .argument("[words...]")
    .option("-c")
    .option("-n")
    .option("-b")
    .option("-i")
    .option("-B")
    .option("-D")
    .option("-v")
    .option("-C <cost>", "", "5")
    .action(async (words: string[], flags: Flags) => await htpasswd(words, flags, terminal));
  for (const [flag, algorithm] of OTHERS) {
    command.option(flag);
    command.on(`option:${flag.slice(1)}`, () => {
      throw failed(
        terminal,
        `${algorithm} is not taken by the registry; use -B (bcrypt)`,
        EXIT.usage,
      );
    });
  }
  return command;
}

const OTHERS = [
  ["-m", "MD5"],
  ["-d", "CRYPT"],
  ["-s", "SHA-1"],
  ["-p", "plain text"],
  ["-2", "SHA-256"],
  ["-5", "SHA-512"],
] as const;

async function htpasswd(words: readonly string[], flags: Flags, terminal: Terminal): Promise<void> {
  const { c, n, b, i, D, v } = flags;
  if ([c, n, D, v].filter(Boolean).length > 1) {
    throw failed(terminal, "only one of -c -n -v -D may be specified", EXIT.usage);
  }
  const [file, name, given] = n ? ["", ...words] : words;
  const wanted = (n ? 1 : 2) + (b && !D ? 1 : 0);
  if (words.length !== wanted || file === undefined || name === undefined || (b && i)) {
    for (const line of USAGE) terminal.note(line);
    throw new Exit(EXIT.usage);
  }
  if (name.length > 255) throw failed(terminal, "username too long (> 255)", EXIT.long);
  if (name.includes(":")) {
    throw failed(terminal, "username contains illegal character ':'", EXIT.name);
  }
  const fault = faultOfName(name);
  if (fault !== null) throw failed(terminal, fault, EXIT.name);
  if (!n && !c) await checkFile(file, terminal);
  if (D) return await remove(file, name, terminal);
  const password = given === undefined ? await asked(flags, terminal) : Buffer.from(given);
  if (v) return await verify(file, name, new Uint8Array(password), terminal);
  const hash = await hashed(new Uint8Array(password), flags.C, terminal);
  if (n) {
    // The original leaves an empty line behind it, too.
    terminal.print(`${name}:${hash}\n`);
    return;
  }
  await rewriteFile(file, "USERS_FILE", (content) => {
    const before = c ? new Uint8Array() : (content ?? new Uint8Array());
    const verb = hasUser(before, name) ? "Updating" : "Adding";
    terminal.note(`${verb} password for user ${name}`);
    return setUser(before, name, hash);
  });
}

async function checkFile(file: string, terminal: Terminal): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) {
    throw failed(terminal, `cannot modify file ${file}; use '-c' to create it`, EXIT.file);
  }
  const lines = text.split("\n");
  if (lines.every((line) => parseLine(line) === null || line.includes(":"))) return;
  throw failed(
    terminal,
    `The file ${file} does not appear to be a valid htpasswd file.`,
    EXIT.invalid,
  );
}

async function remove(file: string, name: string, terminal: Terminal): Promise<void> {
  await rewriteFile(file, "USERS_FILE", (content) => {
    if (!content || !hasUser(content, name)) {
      terminal.note(`User ${name} not found`);
      return null;
    }
    terminal.note(`Deleting password for user ${name}`);
    return removeUser(content, name);
  });
}

async function verify(
  file: string,
  name: string,
  password: Uint8Array<ArrayBuffer>,
  terminal: Terminal,
): Promise<void> {
  const content = await readFile(file);
  if (!hasUser(content, name)) {
    terminal.note(`User ${name} not found`);
    throw new Exit(EXIT.name);
  }
  const hash = parseHtpasswd(content.toString("utf8")).hashes.get(name);
  if (hash === undefined || !(await verifyPassword(password, hash))) {
    terminal.note("password verification failed");
    throw new Exit(EXIT.password);
  }
  terminal.note(`Password for user ${name} correct.`);
}

async function hashed(
  password: Uint8Array<ArrayBuffer>,
  cost: string,
  terminal: Terminal,
): Promise<string> {
  const steps = Number(cost);
  if (!/^\d+$/.test(cost) || steps < 4 || steps > MOST_COST) {
    throw failed(terminal, "Unable to encode with bcrypt: Invalid argument", EXIT.password);
  }
  try {
    return await hashPassword(password, steps);
  } catch (error) {
    throw failed(terminal, (error as Error).message, EXIT.password);
  }
}

/** Without -i the password comes twice, from a terminal or as two lines. */
async function asked({ i, v }: Flags, terminal: Terminal): Promise<Uint8Array> {
  if (i) return withoutLineEnd(await terminal.readInput());
  if (!terminal.interactive) {
    const lines = new TextDecoder().decode(await terminal.readInput()).split(/\r?\n/);
    return confirmed(lines[0] ?? "", v ? (lines[0] ?? "") : (lines[1] ?? ""), terminal);
  }
  const password = await terminal.askSecret(v ? "Enter password: " : "New password: ");
  return confirmed(
    password,
    v ? password : await terminal.askSecret("Re-type new password: "),
    terminal,
  );
}

function confirmed(password: string, again: string, terminal: Terminal): Uint8Array {
  if (password === again) return Buffer.from(password);
  throw failed(terminal, "password verification error", EXIT.password);
}

function failed(terminal: Terminal, message: string, code: number): Exit {
  terminal.note(`htpasswd: ${message}`);
  return new Exit(code);
}
