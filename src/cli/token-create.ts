import type { Command } from "commander";
import { randomBytes } from "node:crypto";
import { makeAccessToken } from "../auth/access-token.ts";
import { TOKENS_FILE, changeTokens } from "../auth/access-token-file.ts";
import type { Action } from "../auth/caller.ts";
import { parseHtpasswd } from "../auth/htpasswd.ts";
import { parseDuration } from "../config/duration.ts";
import { RegistryError } from "../oci/errors.ts";
import { parseNameGlob } from "../oci/name-glob.ts";
import {
  type DataOptions,
  configOf,
  ownFile,
  readIfThere,
  withDataOptions,
} from "./data-options.ts";
import { jsonDocument } from "./json.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";
import { plainToken } from "./token-list.ts";
import { usersOf } from "./users-file.ts";

interface CreateOptions extends DataOptions {
  readonly user?: string;
  readonly repo: readonly string[];
  readonly pull?: boolean;
  readonly push?: boolean;
  readonly delete?: boolean;
  readonly administer?: boolean;
  readonly expires: string;
  readonly note: string;
  readonly json?: boolean;
}

export function createTokenCommand(terminal: Terminal, now: () => number): Command {
  const command = subcommand("create", terminal)
    .summary("make a token; it is shown once")
    .description(
      "Makes a token of a user and shows it, once: only a digest of it is kept.\n" +
        "With it one may do what the options say, of what the user may do himself at that time.",
    )
    .option("--user <NAME>", "whose rights it has a part of (default: the only user there is)")
    .requiredOption("--repo <GLOB...>", "repositories: * within a part of a name, ** across parts")
    .option("--pull", "pull from them (without any of these four, this)")
    .option("--push", "push to them, and pull")
    .option("--delete", "delete from them")
    .option("--administer", "administer the registry; with --repo '**'")
    .option("--expires <DURATION>", "such as 12h, 90d or 52w; never: not at all", "90d")
    .option("--note <TEXT>", "what it is for", "")
    .option("--json", "one JSON document with the token in it")
    .action(async (options: CreateOptions) => await create(options, terminal, now()));
  return withDataOptions(command).addHelpText("after", EXAMPLES);
}

const EXAMPLES = `
Examples:
  wharf token create --user ci --repo 'ci/**' --push --expires 90d
  wharf token create --user ann --repo team/app 'team/lib-*' --note "deploys of ann"
  docker login -u ci -p wharf_… registry.example.com`;

async function create(options: CreateOptions, terminal: Terminal, now: number): Promise<void> {
  const { repo: repositories, note } = options;
  for (const text of repositories) {
    const glob = parseNameGlob(text);
    if ("reason" in glob) throw usage(`--repo ${JSON.stringify(text)}: ${glob.reason}`);
  }
  if (/\p{Cc}/u.test(note) || note.length > 200) {
    throw usage("--note: at most 200 characters, and no control characters");
  }
  const actions = actionsOf(options);
  const expires = endOf(options.expires, now);
  const config = configOf(options, terminal);
  const path = await ownFile(config, TOKENS_FILE);
  const user = owner(options.user, usersOf(config));
  const wish = { user, repositories, actions, note };
  const { token, text } = makeAccessToken({ ...wish, expires }, now, randomBytes);
  await changeTokens(path, (tokens) => void tokens.set(token.id, token));
  if (options.json) {
    terminal.print(jsonDocument({ token: text, ...plainToken(token, undefined) }));
    return;
  }
  terminal.print(text);
  const until = token.expires === null ? "until it is revoked" : `until ${token.expires}`;
  terminal.note(`Token ${token.id} of ${user}, ${until}. It is not shown again.`);
}

/** Whose token it is: a user of the file, for anybody else's would be refused everywhere. */
function owner(name: string | undefined, file: string): string {
  const { hashes } = parseHtpasswd(readIfThere(file) ?? "");
  const only = hashes.size === 1 ? [...hashes.keys()][0] : undefined;
  const user = name ?? only;
  if (user === undefined)
    throw usage(`--user: whose token? There are ${hashes.size} users in ${file}`);
  if (hashes.has(user)) return user;
  throw new RegistryError("USER_UNKNOWN", { reason: `${user} in ${file}` });
}

function actionsOf(options: CreateOptions): Action[] {
  const actions: Action[] = [];
  // Whoever pushes asks what is there already.
  const named = options.push || options.delete || options.administer;
  if (options.pull || options.push || !named) actions.push("pull");
  if (options.push) actions.push("push");
  if (options.delete) actions.push("delete");
  if (options.administer) {
    if (!options.repo.includes("**")) throw usage("--administer: needs --repo '**' as well");
    actions.push("administer");
  }
  return actions;
}

function endOf(text: string, now: number): number | null {
  if (text === "never") return null;
  const duration = parseDuration(text);
  // Dates end in the year 275760.
  if (duration !== null && duration > 0 && now + duration < 8.64e15) return now + duration;
  throw usage(`--expires: ${JSON.stringify(text)} is not a duration such as 12h or 90d, nor never`);
}

function usage(reason: string): RegistryError {
  return new RegistryError("USAGE", { reason });
}
