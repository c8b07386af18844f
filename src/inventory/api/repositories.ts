import type { Connection } from "../../client/connection.ts";
import { printable } from "../../client/http/printable.ts";
import { listRepositories } from "../../client/lists.ts";
import { RegistryError } from "../../oci/errors.ts";
import { type RepositoryName, isRepositoryName, parseName } from "../../oci/name.ts";

/**
 * The repositories of a registry in ASCII order: those that were configured, else those of its catalog, all
 * of which is read before the first is given out: half a list is none. Throws NAME_INVALID for one that
 * was configured; REMOTE, REFUSED or CREDENTIALS where there is no catalog, and says what to set.
 */
export async function* repositoriesOf(
  connection: Connection,
  configured: readonly string[] | null,
  warn: (line: string) => void,
): AsyncGenerator<RepositoryName> {
  yield* configured
    ? [...new Set(configured.map(parseName))].toSorted()
    : (await catalog(connection, warn)).toSorted();
}

async function catalog(
  connection: Connection,
  warn: (line: string) => void,
): Promise<RepositoryName[]> {
  const names = new Set<RepositoryName>();
  try {
    for await (const name of listRepositories(connection)) {
      if (isRepositoryName(name)) names.add(name);
      else
        warn(`${JSON.stringify(printable(name, 150))} in the catalog is no name, and is left out`);
    }
  } catch (error) {
    throw error instanceof RegistryError ? withRemedy(error) : error;
  }
  return [...names];
}

/** Large public registries keep no catalog, or show it to nobody. Whether it is that, only the user can tell. */
function withRemedy(error: RegistryError): RegistryError {
  const { status } = error.detail;
  const isAnswer = typeof status === "number" && status >= 400 && status < 500 && status !== 429;
  if (!isAnswer) return error;
  const reason = `${error.detail.reason}; where a registry has no catalog for you, name its repositories in the configuration (registries[].repositories)`;
  return new RegistryError(error.kind, { ...error.detail, reason }, { cause: error });
}
