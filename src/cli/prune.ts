import type { Command } from "commander";
import { withConfirmOptions } from "./confirm.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";
import { type PruneFlags, prune } from "./prune-run.ts";
import { withRegistryOptions } from "./registry-options.ts";

export function pruneCommand(terminal: Terminal): Command {
  const command = subcommand("prune", terminal)
    .summary("delete what the retention policies let go")
    .description(
      "Applies the policies of `retention:` to a running Wharfinger, to a folder, or to registries elsewhere. " +
        "Shows first what would go, why, and how many bytes, then asks. Keep rules always win; what no " +
        "policy names stays; what cannot be read is kept whole.",
    )
    .argument("[REGISTRY...]", "names in `registries:` of the configuration (default: all of them)")
    .option("-c, --config <FILE>", "a wharf.yaml with `retention:` and `registries:`")
    .option("--data <DIR>", "the folder of a registry, with the policies of --config")
    .option("--policy <NAME>", "only the repositories of this policy", several)
    .option("--repository <GLOB>", "only these repositories", several)
    .option("--explain <REPO:TAG>", "only say of this tag which rule decides, and why")
    .option("--out <FILE>", "save the plan for `wharf apply FILE`, and do nothing")
    .option(
      "--collect",
      "then collect garbage where something was deleted, as `collect` of the registry says",
    )
    .option("--json", "one JSON document on stdout")
    .option("-q, --quiet", "say only what went wrong")
    .action(async (names: string[], flags: PruneFlags) => {
      await prune({ ...flags, names }, terminal);
    });
  return withRegistryOptions(
    withConfirmOptions(command, "only show what would go; wins over --yes"),
  ).addHelpText("after", EXAMPLES);
}

/** An option that may be given several times. */
export function several(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

const EXAMPLES = `
Examples:
  wharf prune                               the local registry, by its own policies: shows, and asks
  wharf prune -n                            only shows
  wharf prune -c wharf.yaml hub --yes       a registry elsewhere, without asking
  wharf prune --data /srv/registry -c wharf.yaml
  wharf prune --explain team/app:1.0        why does this tag stay, or go?
  wharf prune --out plan.json               saves the plan; wharf apply plan.json acts

Exit codes: 0 done, 1 failed, 2 wrong usage or not confirmed, 3 done in part,
            4 credentials, 5 refused (a limit, a wrong clock, or something changed meanwhile).`;
