import { type Asked, error, page } from "./asked.ts";
import type { HarborState } from "./harbor.ts";
import { type Found, answerRepository } from "./harbor-repository.ts";
import { pageOfList } from "./harbor-page.ts";
import { type User, denied, mayInProject, whoIs } from "./users.ts";

/** Harbor's own API, `/api/v2.0`, as far as collecting and pruning needs it. */
export function answerHarbor(harbor: HarborState, users: readonly User[], asked: Asked): Response {
  // Somebody with a wrong password is nobody.
  const user = whoIs(users, asked.headers.get("authorization")) ?? null;
  // A path is decoded once, and the name of a repository once more.
  const path = decodeURIComponent(asked.path).slice("/api/v2.0".length);
  if (path === "/ping") return new Response("Pong", { headers: { "content-type": "text/plain" } });
  if (path === "/systeminfo") return systemInfo(harbor, user);
  if (path.startsWith("/system/gc")) return collection(harbor, user, asked, path);
  if (path === "/projects") return listProjects(harbor, user, asked);
  if (harbor.readOnly && asked.method === "DELETE") {
    return error(403, "DENIED", "The system is in read only mode. Any modification is prohibited.");
  }
  const parts =
    /^\/projects\/(?<project>[^/]+)\/repositories(?:\/(?<repository>[^/]+)(?<rest>\/.*)?)?$/;
  const groups = parts.exec(path)?.groups;
  if (!groups) return error(404, "NOT_FOUND", `path ${asked.path} was not found`);
  const project = harbor.project(groups["project"] ?? "");
  const found: Found = {
    harbor,
    user,
    may: (right) => mayInProject(user, right, project),
    name: `${groups["project"]}/${decodeURIComponent(groups["repository"] ?? "")}`,
  };
  if (groups["repository"] !== undefined) {
    return answerRepository(found, asked, groups["rest"] ?? "") ?? notRouted(asked);
  }
  if (!found.may("repository:list")) return denied(user);
  if (!project) return error(404, "NOT_FOUND", `project ${groups["project"]} not found`);
  const all = harbor.content.all().filter(({ name }) => name.startsWith(`${project.name}/`));
  return pageOfList(
    asked,
    all.map(({ name, manifests }) => ({ name, artifact_count: manifests.size || undefined })),
  );
}

function notRouted({ path, headers }: Asked): Response {
  if (headers.get("accept")?.includes("html")) return page(404, "Harbor");
  return error(404, "NOT_FOUND", `path ${path} was not found`);
}

function systemInfo({ readOnly }: HarborState, user: User | null): Response {
  const open = { auth_mode: "db_auth", self_registration: false, banner_message: "" };
  const known = {
    harbor_version: "v2.12.0-stand-in",
    read_only: readOnly,
    external_url: "http://stand-in",
  };
  return Response.json(user ? { ...open, ...known } : open);
}

function listProjects(harbor: HarborState, user: User | null, asked: Asked): Response {
  const own = (user?.projects ?? []).map(({ project }) => project);
  const visible = harbor
    .projects()
    .filter(({ name, open }) => open || user?.admin || own.includes("*") || own.includes(name));
  return pageOfList(
    asked,
    visible.map(({ name, open }) => ({ name, metadata: { public: String(open) } })),
  );
}

function collection(harbor: HarborState, user: User | null, asked: Asked, path: string): Response {
  const { gc } = harbor;
  const may = (right: string): boolean =>
    user?.admin === true || (user?.system ?? []).includes(`garbage-collection:${right}`);
  if (path === "/system/gc/schedule" && asked.method === "POST") {
    return may("create") ? gc.schedule(asked.bytes) : denied(user);
  }
  const number = Number(asked.query.get("page") ?? 1);
  if (path === "/system/gc") {
    return may("list")
      ? gc.history(number, Number(asked.query.get("page_size") ?? 10))
      : denied(user);
  }
  const [, id, log] = /^\/system\/gc\/(\d+)(\/log)?$/.exec(path) ?? [];
  if (id === undefined) return notRouted(asked);
  if (!may("read")) return denied(user);
  return log === undefined ? gc.look(+id) : gc.logOf(+id);
}
