import type { Command } from "commander";
import { parseAccessToken } from "../auth/access-token.ts";
import { TOKENS_FILE, changeTokens } from "../auth/access-token-file.ts";
import { RegistryError } from "../oci/errors.ts";
import { type DataOptions, configOf, ownFile, withDataOptions } from "./data-options.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

interface RevokeOptions extends DataOptions {
  readonly user?: string;
}

export function revokeTokenCommand(terminal: Terminal): Command {
  const command = subcommand("revoke", terminal)
    .alias("rm")
    .summary("make tokens worthless")
    .description(
      "Revokes tokens by their ids; a whole token that was found somewhere is taken as well.\n" +
        "A registry that runs refuses them, and all that was issued for them, within two seconds.",
    )
    .argument("[ID...]", "as `wharf token list` shows them")
    .option("--user <NAME>", "all tokens of this user")
    .action(async (ids: readonly string[], options: RevokeOptions) => {
      await revoke(ids, options, terminal);
    });
  return withDataOptions(command);
}

async function revoke(
  named: readonly string[],
  options: RevokeOptions,
  terminal: Terminal,
): Promise<void> {
  if (named.length === 0 && options.user === undefined) {
    throw new RegistryError("USAGE", { reason: "say the ids of tokens, or --user" });
  }
  // What is not an id may be a secret in a slip: it is not repeated.
  const ids = named.map((text) => parseAccessToken(text)?.id ?? text);
  const strange = ids.findIndex((id) => !/^[a-z0-9]{12}$/.test(id));
  if (strange >= 0) {
    throw new RegistryError("USAGE", {
      reason: `argument ${strange + 1} is not the id of a token`,
    });
  }
  const path = await ownFile(configOf(options, terminal), TOKENS_FILE);
  const gone: string[] = [];
  await changeTokens(path, (tokens) => {
    // All or none: a slip in the third id must not leave in doubt what became of the first.
    for (const id of ids) {
      if (!tokens.has(id)) throw new RegistryError("TOKEN_UNKNOWN", { reason: id });
    }
    const theirs = [...tokens.values()].filter(({ user }) => user === options.user);
    for (const id of new Set([...ids, ...theirs.map((one) => one.id)])) {
      tokens.delete(id);
      gone.push(id);
    }
  });
  for (const id of gone) terminal.print(id);
  if (gone.length === 0) terminal.note(`${options.user ?? ""} has no access tokens`);
}
