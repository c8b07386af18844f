import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { TOKENS_FILE, revokeTokensOf } from "../auth/access-token-file.ts";
import { hasUser, namesOf, removeUser, setUser } from "../auth/edit-users.ts";
import { MOST_COST, faultOfName, parseHtpasswd } from "../auth/htpasswd.ts";
import { hashPassword } from "../auth/passwords.ts";
import { rewriteFile } from "../auth/rewrite-file.ts";
import { RegistryError } from "../oci/errors.ts";
import { OURS } from "../storage/tree.ts";
import { type DataOptions, configOf, withDataOptions } from "./data-options.ts";
import { jsonDocument } from "./json.ts";
import { newPassword } from "./new-password.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";
import { usersOf } from "./users-file.ts";

interface UserOptions extends DataOptions {
  readonly file?: string;
  readonly passwordStdin?: boolean;
  readonly cost?: string;
  readonly json?: boolean;
}

/** Some 50 ms a check: the server remembers what it has checked, somebody who guesses does not. */
const USUAL_COST = "10";

export function userCommand(terminal: Terminal): Command {
  const users = subcommand("user", terminal)
    .summary("add, remove and list users")
    .description(
      "Changes the file of users (htpasswd, bcrypt). A registry that runs takes up the change by itself.",
    )
    .addHelpText("after", EXAMPLES);
  const add = where(subcommand("add", terminal).summary("add a user")).argument("<NAME>");
  const passwd = where(subcommand("passwd", terminal).summary("give a user another password"));
  const remove = where(subcommand("remove", terminal).alias("rm").summary("remove a user"));
  const list = where(subcommand("list", terminal).alias("ls").summary("list the users"));
  return users
    .addCommand(
      withPassword(add).action(async (name: string, options: UserOptions) => {
        await change("add", name, options, terminal);
      }),
    )
    .addCommand(
      withPassword(passwd.argument("<NAME>")).action(async (name: string, options: UserOptions) => {
        await change("passwd", name, options, terminal);
      }),
    )
    .addCommand(
      remove.argument("<NAME>").action(async (name: string, options: UserOptions) => {
        const { file } = fileOf(options, terminal);
        await rewriteFile(file, "USERS_FILE", (bytes) => {
          if (!bytes || !hasUser(bytes, name)) throw unknown(name, file);
          return removeUser(bytes, name);
        });
        terminal.print(`Removed ${name} from ${file}`);
        const revoked = await revokeTokens(name, options, terminal);
        if (revoked > 0) terminal.print(`Revoked ${revoked} of his access tokens`);
      }),
    )
    .addCommand(
      list
        .option("--json", "one JSON document on stdout")
        .action(async (options: UserOptions) => await listUsers(options, terminal)),
    );
}

const EXAMPLES = `
Examples:
  wharf user add ann                            asks for a password, twice
  pass show registry | wharf user add ci --password-stdin
  wharf user passwd ann -c /etc/wharfinger/wharf.yaml
  wharf user list --file /auth/htpasswd

A file that is not named is the one of the configuration (auth.htpasswd), else DATA/wharfinger/htpasswd.`;

function where(command: Command): Command {
  return withDataOptions(command.option("--file <FILE>", "the file of users"));
}

function withPassword(command: Command): Command {
  return command
    .option("--password-stdin", "take the password from standard input")
    .option(
      "--cost <N>",
      `bcrypt's cost, 4 to ${MOST_COST}: each step doubles the work`,
      USUAL_COST,
    );
}

async function change(
  how: "add" | "passwd",
  name: string,
  options: UserOptions,
  terminal: Terminal,
): Promise<void> {
  const fault = faultOfName(name);
  if (fault !== null) throw new RegistryError("USAGE", { reason: fault });
  const cost = costOf(options.cost);
  const { file, open } = fileOf(options, terminal);
  const check = (bytes: Uint8Array | null): void => {
    const known = bytes !== null && hasUser(bytes, name);
    if (how === "add" && known)
      throw new RegistryError("USER_EXISTS", { reason: `${name} in ${file}` });
    if (how === "passwd" && !known) throw unknown(name, file);
  };
  // Before anybody types a password for nothing.
  check(await content(file));
  const hash = await hashPassword(
    await newPassword(options.passwordStdin === true, terminal),
    cost,
  );
  let revoked = 0;
  await rewriteFile(file, "USERS_FILE", async (current) => {
    check(current);
    // Of somebody who had this name before, and was not removed by this command.
    if (how === "add") revoked = await revokeTokens(name, options, terminal);
    return setUser(current ?? new Uint8Array(), name, hash);
  });
  terminal.print(how === "add" ? `Added ${name} to ${file}` : `Changed ${name} in ${file}`);
  if (revoked > 0) terminal.note(`Revoked ${revoked} access tokens of a former ${name}`);
  if (open) terminal.note(NOBODY_ASKS);
}

const NOBODY_ASKS =
  "By this configuration the registry asks nobody for a password yet: add `auth: {}` to it.";

async function listUsers(options: UserOptions, terminal: Terminal): Promise<void> {
  const { file } = fileOf(options, terminal);
  const bytes = (await content(file)) ?? Buffer.alloc(0);
  const { hashes, problems } = parseHtpasswd(bytes.toString("utf8"));
  const users = namesOf(bytes).map((name) => ({ name, canLogIn: hashes.has(name) }));
  if (options.json === true) {
    terminal.print(jsonDocument({ file, users, problems }));
    return;
  }
  for (const { name, canLogIn } of users) {
    terminal.print(canLogIn ? name : `${name}  (cannot log in)`);
  }
  for (const { line, problem } of problems) terminal.note(`${file}, line ${line}: ${problem}`);
  if (users.length === 0) terminal.note(`${file} has no users.`);
}

async function content(file: string): Promise<Buffer | null> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    throw new RegistryError("USERS_FILE", { reason: `${file}: ${message}` }, { cause: error });
  }
}

/** `open`: by the configuration, nobody is asked for a password. */
function fileOf(options: UserOptions, terminal: Terminal): { file: string; open: boolean } {
  if (options.file !== undefined) return { file: options.file, open: false };
  const config = configOf(options, terminal);
  return { file: usersOf(config), open: typeof config.auth !== "object" };
}

/** They are dead without him already; revoked, they stay so when somebody of his name comes. */
async function revokeTokens(
  name: string,
  options: UserOptions,
  terminal: Terminal,
): Promise<number> {
  // A file that was named by itself says nothing about where tokens are.
  if (options.file !== undefined && options.data === undefined && options.config === undefined)
    return 0;
  const path = join(configOf(options, terminal).data, OURS, TOKENS_FILE);
  return existsSync(path) ? (await revokeTokensOf(path, name)).length : 0;
}

function costOf(text = USUAL_COST): number {
  const cost = Number(text);
  if (/^\d+$/.test(text) && cost >= 4 && cost <= MOST_COST) return cost;
  throw new RegistryError("USAGE", { reason: `--cost ${text}: a number from 4 to ${MOST_COST}` });
}

function unknown(name: string, file: string): RegistryError {
  return new RegistryError("USER_UNKNOWN", { reason: `${name} in ${file}` });
}
