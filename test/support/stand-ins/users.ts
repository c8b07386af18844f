import { error } from "./asked.ts";

/** Somebody whom a stand-in knows. */
export interface User {
  readonly name: string;
  readonly password: string;
  /** May do everything. */
  readonly admin?: boolean;
  /** Harbor's rights, such as `artifact:delete`, in one project or in all (`*`). */
  readonly projects?: readonly { readonly project: string; readonly rights: readonly string[] }[];
  /** Harbor's rights in the whole system, such as `garbage-collection:create`. */
  readonly system?: readonly string[];
}

/** Who says so with Basic; null: nobody does; undefined: somebody with a wrong password. */
export function whoIs(
  users: readonly User[],
  authorization: string | null,
): User | null | undefined {
  const basic = /^Basic (.+)$/i.exec(authorization ?? "")?.[1];
  if (basic === undefined) return null;
  const text = Buffer.from(basic, "base64").toString("utf8");
  const colon = text.indexOf(":");
  const name = text.slice(0, colon);
  const user = users.find((one) => one.name === name);
  return user?.password === text.slice(colon + 1) ? user : undefined;
}

/** What everybody may do in a public project of Harbor. */
const PUBLIC = [
  "repository:list",
  "repository:read",
  "repository:pull",
  "artifact:list",
  "artifact:read",
  "tag:list",
  "accessory:list",
];

export function mayInProject(
  user: User | null,
  right: string,
  project: { readonly name: string; readonly open: boolean } | null,
): boolean {
  if (user?.admin) return true;
  if (!project) return false;
  if (project.open && PUBLIC.includes(right)) return true;
  return (user?.projects ?? []).some(
    (one) => (one.project === "*" || one.project === project.name) && one.rights.includes(right),
  );
}

/** What a robot account of one project needs to be pruned with. */
export const PRUNING = [
  "repository:list",
  "repository:read",
  "artifact:list",
  "artifact:read",
  "artifact:delete",
  "tag:list",
  "tag:delete",
];

/** Harbor's answer to who may not, and to nobody. */
export function denied(user: User | null): Response {
  return user ? error(403, "FORBIDDEN", "forbidden") : error(401, "UNAUTHORIZED", "unauthorized");
}
