import type { Command } from "commander";
import { dirname, join } from "node:path";
import { type AccessToken, isExpired } from "../auth/access-token.ts";
import { TOKENS_FILE, parseTokens } from "../auth/access-token-file.ts";
import { USES_FILE, readUses } from "../auth/token-uses.ts";
import {
  type DataOptions,
  configOf,
  ownFile,
  readIfThere,
  withDataOptions,
} from "./data-options.ts";
import { jsonDocument } from "./json.ts";
import { subcommand } from "./subcommand.ts";
import { table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

interface ListOptions extends DataOptions {
  readonly user?: string;
  readonly json?: boolean;
}

export function listTokensCommand(terminal: Terminal, now: () => number): Command {
  const command = subcommand("list", terminal)
    .alias("ls")
    .summary("list the tokens; never their secrets")
    .option("--user <NAME>", "those of one user")
    .option("--json", "one JSON document")
    .action(async (options: ListOptions) => await list(options, terminal, now()));
  return withDataOptions(command);
}

async function list(options: ListOptions, terminal: Terminal, now: number): Promise<void> {
  const path = await ownFile(configOf(options, terminal), TOKENS_FILE);
  const uses = readUses(join(dirname(path), USES_FILE));
  const all = [...parseTokens(path, readIfThere(path)).values()];
  const tokens = all.filter(({ user }) => options.user === undefined || user === options.user);
  if (options.json) {
    terminal.print(
      jsonDocument({ tokens: tokens.map((one) => plainToken(one, uses.get(one.id))) }),
    );
    return;
  }
  if (tokens.length === 0) {
    terminal.note("there are no access tokens");
    return;
  }
  const titles = ["ID", "USER", "REPOSITORIES", "MAY", "EXPIRES", "LAST USED", "NOTE"];
  const rows = tokens.map((token) => [
    token.id,
    token.user,
    token.repositories.join(" "),
    token.actions.join(","),
    isExpired(token, now) ? "expired" : (token.expires?.slice(0, 10) ?? "never"),
    day(uses.get(token.id)) ?? "-",
    token.note,
  ]);
  for (const line of table(
    titles.map((title) => ({ title })),
    rows,
  )) {
    terminal.print(line);
  }
}

/** A token as JSON shows it: without the digest of its secret, which is nobody's business. */
export function plainToken(
  { id, user, repositories, actions, created, expires, note }: AccessToken,
  lastUsed: number | undefined,
): Readonly<Record<string, unknown>> {
  const facts = { id, user, repositories, actions, created, expires, note };
  return { ...facts, lastUsed: iso(lastUsed) };
}

/** What stands in a file that anybody may have edited need not be a time. */
function iso(time: number | undefined): string | null {
  return time !== undefined && Math.abs(time) < 8.64e15 ? new Date(time).toISOString() : null;
}

function day(time: number | undefined): string | undefined {
  return iso(time)?.slice(0, 10);
}
