import type { Command } from "commander";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";
import { emptyTrashCommand } from "./trash-empty.ts";
import { listTrashCommand } from "./trash-list.ts";
import { restoreTrashCommand } from "./trash-restore.ts";

export function trashCommand(terminal: Terminal, now: () => number = Date.now): Command {
  return subcommand("trash", terminal)
    .summary("list, restore or free what was removed")
    .description(
      "What a collection removed, and tags and manifests that somebody deleted or moved, can be restored " +
        "for a while: `trash.keepFor`, 24 hours unless the configuration says something else.",
    )
    .addCommand(listTrashCommand(terminal, now))
    .addCommand(restoreTrashCommand(terminal))
    .addCommand(emptyTrashCommand(terminal));
}
