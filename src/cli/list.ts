import { type Command, Option } from "commander";
import type { Connection } from "../client/connection.ts";
import { openDescriber } from "../client/describe.ts";
import { printable } from "../client/http/printable.ts";
import { parseImageName } from "../client/image.ts";
import { listRepositories, listTags } from "../client/lists.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { jsonDocument } from "./json.ts";
import { listConfigured } from "./list-config.ts";
import { plainTag, tagTable } from "./list-output.ts";
import { type RegistryOptions, openRegistries, withRegistryOptions } from "./registry-options.ts";
import { subcommand } from "./subcommand.ts";
import { table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

interface ListOptions extends RegistryOptions {
  readonly quiet?: boolean;
  readonly trunc: boolean;
  readonly json?: boolean;
  readonly format: "table" | "json";
  readonly config?: string;
}

export function listCommand(terminal: Terminal, now: () => number = Date.now): Command {
  const command = subcommand("list", terminal)
    .alias("ls")
    .summary("list repositories, or the tags of one")
    .description(
      "Lists the repositories of a registry; with REPO its tags and what they name.\n" +
        "Works with any registry that speaks the OCI distribution API.",
    )
    .argument("[REPO]", "a repository such as team/app; HOST/REPO names the registry as well")
    .option(
      "-c, --config <FILE>",
      "all tags of all registries that a configuration names, as HOST/REPO:TAG lines",
    )
    .option("-q, --quiet", "names only, one a line")
    .option("--no-trunc", "show digests whole")
    .addOption(
      new Option("--format <FORMAT>", "table or json").choices(["table", "json"]).default("table"),
    )
    .option("--json", "the same as --format json")
    .action(async (repository: string | undefined, options: ListOptions) => {
      if (options.config !== undefined) {
        refuseBoth(repository, options);
        await listConfigured(options.config, style(options) === "json", terminal);
        return;
      }
      const name = repository === undefined ? null : parseImageName(repository);
      if (name && name.reference !== null) {
        const reason = `list shows all tags of a repository; say ${name.repository}`;
        throw new RegistryError("USAGE", { reason });
      }
      const connection = openRegistries(options, terminal).at(name?.host ?? null);
      if (name) await showTags(connection, name.repository, options, terminal, now());
      else await showRepositories(connection, options, terminal);
    });
  return withRegistryOptions(command).addHelpText("after", EXAMPLES);
}

const EXAMPLES = `
Examples:
  wharf list                                  repositories of the local registry
  wharf list team/app                         the tags of one of them
  wharf list example.com/team/app             the same at another registry
  wharf list -q --registry example.com:5000   names only, for scripts
  wharf list -c wharf.yaml                    every tag of the registries in it`;

function refuseBoth(repository: string | undefined, { registry }: ListOptions): void {
  if (repository === undefined && registry === undefined) return;
  const other = repository === undefined ? "--registry" : "REPO";
  throw new RegistryError("USAGE", {
    reason: `--config lists whole registries, and goes without ${other}`,
  });
}

/** A program that asked for JSON gets JSON, also when it asked to be told little. */
function style({ quiet, json, format }: ListOptions): "names" | "json" | "table" {
  if (json || format === "json") return "json";
  return quiet ? "names" : "table";
}

async function showRepositories(
  connection: Connection,
  options: ListOptions,
  terminal: Terminal,
): Promise<void> {
  const registry = connection.address.origin;
  const names = await Array.fromAsync(listRepositories(connection));
  if (names.length === 0) terminal.note(`${registry} has no repositories yet`);
  const look = style(options);
  if (look === "json") {
    terminal.print(jsonDocument({ registry, repositories: names.map((name) => ({ name })) }));
  } else if (look === "names") {
    for (const name of names) terminal.print(printable(name));
  } else if (names.length > 0) {
    const rows = names.map((name) => [name]);
    for (const line of table([{ title: "REPOSITORY" }], rows)) terminal.print(line);
  }
}

async function showTags(
  connection: Connection,
  name: RepositoryName,
  options: ListOptions,
  terminal: Terminal,
  now: number,
): Promise<void> {
  const registry = connection.address.origin;
  const look = style(options);
  const none = (): void => terminal.note(`${name} has no tags`);
  if (look === "names") {
    const names = await Array.fromAsync(listTags(connection, name));
    for (const tag of names) terminal.print(printable(tag));
    return names.length === 0 ? none() : undefined;
  }
  const tags = await Array.fromAsync(openDescriber(connection).tags(name));
  if (tags.length === 0) none();
  if (look === "json") {
    terminal.print(jsonDocument({ registry, repository: name, tags: tags.map(plainTag) }));
  } else if (tags.length > 0) {
    const layout = { wholeDigests: !options.trunc, now: terminal.stdoutIsTerminal ? now : null };
    for (const line of tagTable(tags, layout)) terminal.print(line);
  }
}
