import { CATALOG_SCOPE, type Connection } from "./connection.ts";
import { pages } from "./pages.ts";

/**
 * The names of all repositories, unchecked, in the registry's order. Throws REFUSED or REMOTE where a
 * registry keeps no catalog, as the large public ones do.
 */
export function listRepositories(connection: Connection): AsyncGenerator<string> {
  return pages(connection, {
    path: "/v2/_catalog",
    key: "repositories",
    scope: CATALOG_SCOPE,
    subject: { about: "the list of repositories", missing: "REMOTE" },
  });
}
