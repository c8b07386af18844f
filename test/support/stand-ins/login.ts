import { type Asked, type Place, error } from "./asked.ts";
import { type User, mayInProject, whoIs } from "./users.ts";

/** Lets in whom it knows, before anything else is answered. */
export interface Login {
  /** An answer instead of the registry's own; null: go on. */
  stop(asked: Asked): Response | null;
}

export const OPEN: Login = { stop: () => null };

export function basicLogin(users: readonly User[]): Login {
  return {
    stop({ headers }) {
      if (whoIs(users, headers.get("authorization"))) return null;
      return error(401, "UNAUTHORIZED", "", { "www-authenticate": 'Basic realm="stand-in"' });
    },
  };
}

interface Grant {
  readonly user: User | null;
  readonly scopes: readonly string[];
}

/**
 * Tokens of the registry's own token server, at `/service/token`. A user may pull and change everything,
 * in Harbor only what the project allows. @see distribution, "Token Authentication Specification"
 */
export function bearerLogin(
  place: Place,
  users: readonly User[],
  projectOf: ((name: string) => { name: string; open: boolean } | null) | null,
): Login {
  const grants = new Map<string, Grant>();
  const challenge = (asked: Asked, scope: string): Response =>
    error(401, "UNAUTHORIZED", "authentication required", {
      "www-authenticate": `Bearer realm="${asked.origin}/service/token",service="stand-in"${scope && `,scope="${scope}"`}`,
    });
  const may = (user: User | null, scope: string): boolean => {
    const [, name = "", actions = ""] = scope.split(":");
    if (scope.startsWith("registry:catalog")) {
      return user?.admin === true && !place.is("catalog-refused");
    }
    if (!projectOf) return user !== null;
    const project = projectOf(name);
    return actions.split(",").every((action) => mayInProject(user, harborRight(action), project));
  };
  return {
    stop(asked) {
      const authorization = asked.headers.get("authorization");
      if (asked.path === "/service/token") {
        const user = whoIs(users, authorization);
        // Harbor gives somebody with a wrong password the token of nobody.
        if (user === undefined && !place.is("nobody-instead-of-401"))
          return error(401, "UNAUTHORIZED");
        const token = crypto.randomUUID();
        grants.set(token, { user: user ?? null, scopes: asked.query.getAll("scope") });
        return Response.json({ token, expires_in: 1800 });
      }
      const scope = scopeOf(asked);
      if (asked.path === "/v2/_catalog" && place.is("catalog-basic")) {
        if (whoIs(users, authorization)?.admin) return null;
        return error(401, "UNAUTHORIZED", "unauthorized to list catalog", {
          "www-authenticate": 'Basic realm="harbor"',
        });
      }
      if (authorization?.startsWith("Basic ") && place.is("catalog-basic")) {
        const user = whoIs(users, authorization);
        if (user && (scope === "" || may(user, scope))) return null;
        return error(401, "UNAUTHORIZED", "", { "www-authenticate": 'Basic realm="harbor"' });
      }
      const grant = grants.get(/^Bearer (.+)$/.exec(authorization ?? "")?.[1] ?? "");
      if (!grant) return challenge(asked, scope);
      if (scope === "") return null;
      const granted = grant.scopes
        .flatMap((one) => one.split(" "))
        .some((one) => covers(one, scope));
      return granted && may(grant.user, scope) ? null : challenge(asked, scope);
    },
  };
}

function harborRight(action: string): string {
  return action === "delete" ? "artifact:delete" : `repository:${action}`;
}

function covers(granted: string, wanted: string): boolean {
  const [type, name, actions = ""] = granted.split(":");
  const [wantedType, wantedName, wantedActions = ""] = wanted.split(":");
  if (type !== wantedType || name !== wantedName) return false;
  const all = actions.split(",");
  return all.includes("*") || wantedActions.split(",").every((action) => all.includes(action));
}

function scopeOf({ path, method }: Asked): string {
  if (path === "/v2/_catalog") return "registry:catalog:*";
  const name = /^\/v2\/(.+)\/(?:tags|manifests|blobs|referrers)\//.exec(path)?.[1];
  if (name === undefined) return "";
  if (method === "GET" || method === "HEAD") return `repository:${name}:pull`;
  return `repository:${name}:${method === "DELETE" && path.includes("/manifests/") ? "delete" : "push"}`;
}
