import type { Command } from "commander";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";
import { createTokenCommand } from "./token-create.ts";
import { listTokensCommand } from "./token-list.ts";
import { revokeTokenCommand } from "./token-revoke.ts";

export function tokenCommand(terminal: Terminal, now: () => number = Date.now): Command {
  return subcommand("token", terminal)
    .summary("make, list and revoke access tokens")
    .description(
      "Access tokens stand in for a user's password, for some repositories, some actions and some time.\n" +
        "Each command changes the data folder directly; a registry that runs notices within two seconds.",
    )
    .addCommand(createTokenCommand(terminal, now))
    .addCommand(listTokensCommand(terminal, now))
    .addCommand(revokeTokenCommand(terminal));
}
