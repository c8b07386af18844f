import type { RepositoryName } from "../oci/name.ts";
import { type Connection, scopeOf } from "./connection.ts";
import { pages } from "./pages.ts";

/** The tags of a repository, unchecked, in the registry's order. Throws NAME_UNKNOWN. */
export function listTags(connection: Connection, name: RepositoryName): AsyncGenerator<string> {
  return pages(connection, {
    path: `/v2/${name}/tags/list`,
    key: "tags",
    scope: scopeOf(name, "pull"),
    subject: { about: name, missing: "NAME_UNKNOWN" },
  });
}
