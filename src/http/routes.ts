import { TOKEN_PATH } from "../auth/token-gate.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Handler } from "./exchange.ts";
import { deleteBlob, getBlob, headBlob } from "./v2/blobs.ts";
import { getCatalog } from "./v2/catalog.ts";
import { deleteManifest, getManifest, headManifest, putManifest } from "./v2/manifests.ts";
import { getReferrers } from "./v2/referrers.ts";
import { getSupport } from "./v2/support.ts";
import { getTags } from "./v2/tags.ts";
import { deleteUpload, getUpload, patchUpload, postUpload, putUpload } from "./v2/uploads.ts";
import { checkAll } from "./api/check.ts";
import { getCollection, getPlan, postCollection } from "./api/gc.ts";
import { getUsage } from "./api/du.ts";
import { getInventory } from "./api/inventory.ts";
import { getPruning, postPruning } from "./api/prune.ts";
import { getRetention } from "./api/retention.ts";
import { describeManifest } from "./api/manifests.ts";
import { repairAll } from "./api/repair.ts";
import { describeTags } from "./api/tags.ts";
import { freeTrash, listTrash, restoreFromTrash } from "./api/trash.ts";
import { getLivez, getReadyz, getStartupz } from "./health.ts";
import { getMetrics } from "./metrics.ts";
import { getPage } from "./page.ts";
import { getToken, postToken } from "./token.ts";

/**
 * What a caller must be allowed to do, in the repository that the path names if it names one.
 *
 * `none`: everybody, also with wrong credentials. `login`: everybody, but not with wrong ones. `known`: whoever has said who he is. `catalog`: the same;
 * he sees what he may pull. `administer`: in the registry as a whole. The guard refuses any other.
 */
export type Permission =
  | "none"
  | "login"
  | "known"
  | "pull"
  | "push"
  | "delete"
  | "catalog"
  | "administer";

export interface Route {
  readonly method: string;
  readonly pattern: string;
  readonly permission: Permission;
  /** Whether it would change the content: refused in read-only mode. */
  readonly writes: boolean;
  readonly handler: Handler;
}

/** Every route there is. `{name}` spans slashes, other variables do not. */
export const ROUTES: readonly Route[] = [
  route("GET", "/v2/{name}/manifests/{reference}", "pull", getManifest),
  route("HEAD", "/v2/{name}/manifests/{reference}", "pull", headManifest),
  route("PUT", "/v2/{name}/manifests/{reference}", "push", putManifest),
  route("DELETE", "/v2/{name}/manifests/{reference}", "delete", deleteManifest),
  route("GET", "/v2/{name}/blobs/{digest}", "pull", getBlob),
  route("HEAD", "/v2/{name}/blobs/{digest}", "pull", headBlob),
  route("DELETE", "/v2/{name}/blobs/{digest}", "delete", deleteBlob),
  route("POST", "/v2/{name}/blobs/uploads/", "push", postUpload),
  route("GET", "/v2/{name}/blobs/uploads/{id}", "push", getUpload),
  route("PATCH", "/v2/{name}/blobs/uploads/{id}", "push", patchUpload),
  route("PUT", "/v2/{name}/blobs/uploads/{id}", "push", putUpload),
  route("DELETE", "/v2/{name}/blobs/uploads/{id}", "push", deleteUpload),
  route("GET", "/v2/{name}/tags/list", "pull", getTags),
  route("GET", "/v2/{name}/referrers/{digest}", "pull", getReferrers),
  route("GET", "/v2/_catalog", "catalog", getCatalog),
  route("GET", "/v2/", "known", getSupport),
  route("HEAD", "/v2/", "known", getSupport),
  route("GET", TOKEN_PATH, "login", getToken),
  // Who it is stands in the form.
  route("POST", TOKEN_PATH, "none", postToken),
  route("GET", "/api/v1/tags/{name}", "pull", describeTags),
  route("GET", "/api/v1/manifests/{name}/{reference}", "pull", describeManifest),
  route("GET", "/api/v1/check", "administer", checkAll),
  route("GET", "/api/v1/gc", "administer", getCollection),
  route("POST", "/api/v1/gc", "administer", postCollection),
  route("GET", "/api/v1/gc/plan", "administer", getPlan),
  route("POST", "/api/v1/check/repair", "administer", repairAll),
  route("GET", "/api/v1/du", "administer", getUsage),
  route("GET", "/api/v1/inventory", "administer", getInventory),
  route("GET", "/api/v1/retention", "administer", getRetention),
  route("GET", "/api/v1/prune", "administer", getPruning),
  route("POST", "/api/v1/prune", "administer", postPruning),
  route("GET", "/api/v1/trash", "administer", listTrash),
  route("POST", "/api/v1/trash/restore", "administer", restoreFromTrash),
  route("DELETE", "/api/v1/trash", "administer", freeTrash),
  route("GET", "/", "none", getPage),
  route("HEAD", "/", "none", getPage),
  route("GET", "/livez", "none", getLivez),
  route("HEAD", "/livez", "none", getLivez),
  route("GET", "/readyz", "none", getReadyz),
  route("HEAD", "/readyz", "none", getReadyz),
  route("GET", "/startupz", "none", getStartupz),
  route("HEAD", "/startupz", "none", getStartupz),
  route("GET", "/metrics", "administer", getMetrics),
];

function route(method: string, pattern: string, permission: Permission, handler: Handler): Route {
  const reads = method === "GET" || method === "HEAD";
  const writes = !reads && ["push", "delete", "administer"].includes(permission);
  return { method, pattern, permission, writes, handler };
}

interface Resource {
  readonly expression: RegExp;
  readonly methods: Readonly<Record<string, Route>>;
}

/** The routes by pattern, in the order of the table, so that a known path with a wrong method is a 405. */
const RESOURCES: readonly Resource[] = Object.entries(
  Object.groupBy(ROUTES, ({ pattern }) => pattern),
).map(([pattern, routes = []]) => ({
  expression: compile(pattern),
  methods: Object.fromEntries(routes.map((one) => [one.method, one])),
}));

function compile(pattern: string): RegExp {
  const source = pattern
    .replace("{name}", "(?<name>.+)")
    .replace(/\{(\w+)\}$/, "(?<$1>[^/]+)")
    // Some clients leave out the last slash.
    .replace(/(?<=.)\/$/, "/?");
  return new RegExp(`^${source}$`);
}

export interface Match {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * Finds the route of a path as it came: nothing is decoded, so no encoding of a name or a reference can
 * mean another one. Only `.` and `..`, also as %2e, and backslashes were resolved before: by Bun.
 * Throws ENDPOINT_UNKNOWN, or METHOD_UNSUPPORTED with the methods that the path has.
 */
export function match(method: string, path: string): Match {
  const others: string[] = [];
  for (const { expression, methods } of RESOURCES) {
    const found = expression.exec(path);
    if (!found) continue;
    const hit = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (hit) return { route: hit, parameters: found.groups ?? {} };
    others.push(...Object.keys(methods));
  }
  if (others.length === 0)
    throw new RegistryError("ENDPOINT_UNKNOWN", { reason: path.slice(0, 200) });
  const allow = [...others, "OPTIONS"].join(", ");
  throw new RegistryError("METHOD_UNSUPPORTED", { reason: method }, { headers: { allow } });
}
