import type { RepositoryName } from "../oci/name.ts";
import { type Caller, mayList } from "./caller.ts";
import type { Grants, ScopedAction } from "./scope.ts";

/**
 * Whoever shows a token for some repositories: what it grants, of what its owner may do at that moment. It
 * administers nothing, and is nothing everywhere, whoever it was issued to.
 */
export function limited(grants: Grants, owner: Caller): Caller {
  return {
    name: owner.name,
    may: (action, repository) =>
      action !== "administer" &&
      grantsTo(grants, action, repository) &&
      owner.may(action, repository),
    mayEverywhere: () => false,
    lists: grants.catalog ? (repository) => mayList(owner, repository) : null,
    limited: true,
  };
}

function grantsTo(
  { repositories }: Grants,
  action: ScopedAction,
  repository: RepositoryName,
): boolean {
  return repositories.get(repository)?.has(action) ?? false;
}
