import type { Command } from "commander";
import { ERRORS } from "../oci/error-table.ts";
import { RegistryError } from "../oci/errors.ts";
import { type ConfirmFlags, confirm, withConfirmOptions } from "./confirm.ts";
import { type Outcome, applyRemovals } from "./delete-apply.ts";
import { look, parseTarget } from "./delete-look.ts";
import { planRemovals } from "./delete-plan.ts";
import { failureLine, keptLine, planLines, plainOutcomes, question } from "./delete-report.ts";
import { jsonDocument } from "./json.ts";
import { prune } from "./prune-run.ts";
import { type RegistryOptions, openRegistries, withRegistryOptions } from "./registry-options.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

interface DeleteOptions extends ConfirmFlags, RegistryOptions {
  readonly json?: boolean;
  readonly config?: string;
}

export function deleteCommand(terminal: Terminal): Command {
  const command = subcommand("delete", terminal)
    .aliases(["rm", "remove"])
    .summary("delete tags, or digests with all their tags")
    .description(
      "Deletes images from a registry. Shows what goes and what stays, then asks.\n" +
        "A tag goes alone; its manifest stays, and so do the other tags it has.\n" +
        "A digest is the manifest itself: it goes with all its tags.",
    )
    .argument("[IMAGE...]", "REPO:TAG or REPO@DIGEST; HOST/REPO:TAG names the registry as well")
    .option(
      "-c, --config <FILE>",
      "instead of images: what the policies of a configuration let go, as `wharf prune` does",
    )
    .option("--json", "one JSON document on stdout")
    .action(async (images: string[], options: DeleteOptions) => {
      if (options.config !== undefined) return await deleteByPolicies(images, options, terminal);
      if (images.length === 0) throw new RegistryError("USAGE", { reason: "name an IMAGE" });
      await deleteImages(images, options, terminal);
    });
  return withRegistryOptions(
    withConfirmOptions(command, "only show what would go; wins over --yes"),
  ).addHelpText("after", EXAMPLES);
}

const EXAMPLES = `
Examples:
  wharf delete team/app:1.0                      asks first
  wharf delete team/app:1.0 team/app:1.1 --yes   does not ask
  wharf delete -n team/app@sha256:0123…          shows which tags go with it
  wharf delete registry.example.com/team/app:1   at another registry
  wharf delete -c config.yml -n                  what registry-manager's policy lets go

Exit codes: 0 deleted, 1 failed, 2 wrong usage or not confirmed,
            3 done in part, 4 credentials, 5 refused.`;

/** As `registry-manager delete -c FILE`: the images are those that its policies find. */
async function deleteByPolicies(
  images: readonly string[],
  { config, ...options }: DeleteOptions,
  terminal: Terminal,
): Promise<void> {
  if (images.length > 0) {
    const reason = "--config says what goes by policies, and goes without images";
    throw new RegistryError("USAGE", { reason });
  }
  await prune({ ...options, ...(config !== undefined && { config }), names: [] }, terminal);
}

/** Looks, plans, shows, asks, acts. Returns when all was done (or shown); throws what makes another exit code. */
async function deleteImages(
  images: readonly string[],
  options: DeleteOptions,
  terminal: Terminal,
): Promise<void> {
  const { dryRun = false, json = false } = options;
  const registries = openRegistries(options, terminal);
  const targets = images.map((image) => parseTarget(image, registries));
  const { found, missing } = await look(targets, registries);
  const removals = planRemovals(found);
  const failures = missing.map(({ error }) => error);
  const document = (outcomes: readonly Outcome[]): void => {
    if (json)
      terminal.print(jsonDocument({ dryRun, images: plainOutcomes(removals, outcomes, missing) }));
  };

  for (const line of planLines(removals)) {
    if (!dryRun) terminal.note(line);
    else if (!json) terminal.print(line);
  }
  // The failure of a single image ends the command, and is told there.
  const several = removals.length + missing.length > 1;
  if (several) for (const { image, error } of missing) terminal.note(failureLine(image, error));
  if (dryRun || removals.length === 0) {
    document([]);
    return finish(removals.length, failures, "found");
  }
  await confirm(question(removals), "nothing was deleted", options, terminal, () => document([]));

  const outcomes: Outcome[] = [];
  for await (const outcome of applyRemovals(removals, (host) => registries.at(host))) {
    const { removal, result } = outcome;
    outcomes.push(outcome);
    if (result === "deleted") {
      if (!json) terminal.print(`deleted ${removal.image}`);
      continue;
    }
    failures.push(outcome.error);
    if (result === "kept") terminal.note(keptLine(removal, outcome.error));
    else if (several) terminal.note(failureLine(removal.image, outcome.error));
  }
  document(outcomes);
  finish(removals.length + missing.length - failures.length, failures, "deleted");
}

/** Throws what makes the exit code when not everything was done. */
function finish(done: number, failures: readonly RegistryError[], what: string): void {
  const [first, ...others] = failures;
  if (!first) return;
  const reason = `${done} of ${done + failures.length} images were ${what}`;
  if (done > 0) throw new RegistryError("PARTIAL", { reason });
  if (others.length === 0) throw first;
  const alike = others.every(({ kind }) => ERRORS[kind].exit === ERRORS[first.kind].exit);
  throw new RegistryError(alike ? first.kind : "REMOTE", { reason });
}
