import type { Connection } from "../client/connection.ts";
import { printable } from "../client/http/printable.ts";
import { listTags } from "../client/lists.ts";
import { openRegistry } from "../client/open-registry.ts";
import { inParallel } from "../client/parallel.ts";
import { readAnyConfig } from "../config/any.ts";
import { repositoriesOf } from "../inventory/api/repositories.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { failureLine } from "./delete-report.ts";
import { jsonDocument } from "./json.ts";
import type { Terminal } from "./terminal.ts";

/** How many repositories are asked for their tags at once. */
const AT_ONCE = 8;

interface ListedRegistry {
  readonly name: string;
  readonly registry: string;
  readonly repositories: readonly {
    readonly name: RepositoryName;
    readonly tags: readonly string[];
  }[];
}

/**
 * Lists every tag of every registry that a configuration names, as `HOST/REPO:TAG` lines, which other programs
 * take as they are. A registry that does not answer does not keep the others from being listed; then the exit
 * code says so.
 */
export async function listConfigured(
  file: string,
  json: boolean,
  terminal: Terminal,
): Promise<void> {
  const { environment } = terminal;
  const { config, warnings } = readAnyConfig({ file, environment, flags: {} });
  for (const warning of warnings) terminal.note(`warning: ${warning}`);
  if (config.registries.length === 0) {
    throw new RegistryError("USAGE", { reason: `${file} has no registries` });
  }
  const listed: ListedRegistry[] = [];
  const failures: RegistryError[] = [];
  for (const entry of config.registries) {
    const connection = openRegistry(entry, { environment });
    try {
      const repositories = await listAll(connection, entry.repositories ?? null, terminal, json);
      listed.push({ name: entry.name, registry: connection.address.origin, repositories });
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      failures.push(error);
      if (config.registries.length > 1) terminal.note(failureLine(entry.name, error));
    }
  }
  if (json) terminal.print(jsonDocument({ registries: listed }));
  const [first] = failures;
  if (first === undefined) return;
  if (listed.length === 0 && failures.length === 1) throw first;
  const reason = `${listed.length} of ${config.registries.length} registries were listed`;
  throw new RegistryError(listed.length === 0 ? first.kind : "PARTIAL", { reason });
}

async function listAll(
  connection: Connection,
  configured: readonly string[] | null,
  terminal: Terminal,
  quiet: boolean,
): Promise<ListedRegistry["repositories"]> {
  const names = repositoriesOf(connection, configured, (line) => terminal.note(line));
  const read = async (name: RepositoryName) => ({ name, tags: await tagsOf(connection, name) });
  const all = [];
  for await (const one of inParallel(names, AT_ONCE, read)) {
    all.push(one);
    if (quiet) continue;
    for (const tag of one.tags) {
      terminal.print(printable(`${connection.address.host}/${one.name}:${tag}`));
    }
  }
  return all;
}

/** A repository of the catalog may have lost its last tag, and then registries do not know it. */
async function tagsOf(connection: Connection, name: RepositoryName): Promise<string[]> {
  try {
    return await Array.fromAsync(listTags(connection, name));
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "NAME_UNKNOWN") return [];
    throw error;
  }
}
