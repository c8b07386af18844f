import type { Caller } from "../auth/caller.ts";
import type { Gate } from "../auth/gate.ts";
import { RegistryError } from "../oci/errors.ts";
import { type RepositoryName, isRepositoryName } from "../oci/name.ts";
import type { Match, Permission } from "./routes.ts";

/** `hidden`: the request goes on as if the repository were not there. */
export type Admission = "granted" | "hidden";

/**
 * Whether a caller may do what a route does. Pure.
 *
 * Whoever has not said who he is, or came with a token for something else, is asked for credentials
 * (UNAUTHORIZED), whether or not the repository exists. A known caller who may not even pull gets the
 * answer of a repository that is not there: nothing tells him whether it is. One who may pull and wants
 * more is told so (DENIED). A push is DENIED in any case: repositories that are not there can be pushed
 * to, so that tells nothing.
 *
 * `asks`: whether there is a gate at which one could say who one is.
 */
export function admit({ route, parameters }: Match, caller: Caller, asks: boolean): Admission {
  const refusal = (otherwise: () => Admission): Admission => {
    if (asks && caller.limited) {
      throw new RegistryError("UNAUTHORIZED", { error: "insufficient_scope" });
    }
    if (asks && caller.name === null) throw new RegistryError("UNAUTHORIZED");
    return otherwise();
  };
  const { permission } = route;
  switch (permission) {
    case "none":
    case "login":
      return "granted";
    case "known":
      // A token may be for nobody in particular: whoever has it was let in where it was issued.
      return !asks || caller.name !== null || caller.limited ? "granted" : refusal(denied);
    case "catalog": {
      const known = caller.limited ? caller.lists !== null : caller.name !== null;
      return !asks || known ? "granted" : refusal(denied);
    }
    case "administer":
      return caller.mayEverywhere(permission) ? "granted" : refusal(denied);
    case "pull":
    case "push":
    case "delete": {
      const name = repository(parameters);
      if (name !== null && caller.may(permission, name)) return "granted";
      return refusal(() => {
        // The handler says what is wrong with the name; there is nothing that it could do.
        if (name === null) return "hidden";
        return permission === "push" || caller.may("pull", name) ? denied() : "hidden";
      });
    }
    default:
      return refusal(() => denied(permission));
  }
}

function denied(_permission?: never): never {
  throw new RegistryError("DENIED");
}

const ACTIONS: Readonly<Partial<Record<Permission, string>>> = {
  pull: "pull",
  // Clients that push also ask what is there already.
  push: "pull,push",
  delete: "delete",
};

/** What a refused caller needs a token for, as the token protocol writes it; null: for nothing of its own. */
export function scopeOf({ route, parameters }: Match): string | null {
  if (route.permission === "catalog") return "registry:catalog:*";
  const name = repository(parameters);
  const actions = ACTIONS[route.permission];
  return name === null || actions === undefined ? null : `repository:${name}:${actions}`;
}

/**
 * A refusal that asks for credentials says which. Other errors stay what they are. `base`: where the client
 * reaches the API. It may be what he said himself, and stand in the answer, so nobody may store that.
 */
export function withChallenge(
  error: RegistryError,
  match: Match | null,
  gate: Gate,
  base: string | null = null,
): RegistryError {
  if (error.kind !== "UNAUTHORIZED" || "www-authenticate" in error.headers) return error;
  const { error: why = null } = error.detail;
  const challenge =
    match?.route.permission === "login"
      ? (gate.login ?? gate.challenge(null, base))
      : gate.challenge(match && scopeOf(match), base, why as string | null);
  if (challenge === null) return error;
  const headers = {
    ...error.headers,
    "www-authenticate": challenge,
    "cache-control": "no-store",
  };
  return new RegistryError(error.kind, error.detail, { cause: error, headers });
}

/** What stands in a header or a rule must be a name, and nothing that only looks like one. */
function repository(parameters: Match["parameters"]): RepositoryName | null {
  const name = parameters["name"];
  return name !== undefined && isRepositoryName(name) ? name : null;
}
