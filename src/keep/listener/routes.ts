import type { Answer, Kind } from "../queue.ts";
import { answerText, jobDocument, statusDocument } from "./answers.ts";
import { readBody } from "./body.ts";
import { Refusal, empty, json, text } from "./reply.ts";
import { BODY_LIMIT } from "./limits.ts";
import type { ListenerParts } from "./parts.ts";

export interface Asked {
  readonly request: Request;
  /** Null: all of them. */
  readonly registry: string | null;
  readonly address: string;
}

type Handler = (asked: Asked, parts: ListenerParts) => Promise<Response>;

export interface Route {
  /** As it stands in the documentation and in the log. */
  readonly path: string;
  readonly methods: Readonly<Record<string, Handler>>;
}

/** All that is answered. What names a registry is about that one, the same without it about all. */
export const ROUTES: readonly Route[] = [
  { path: "/events", methods: { POST: takeEvents } },
  { path: "/gc", methods: { POST: startCollection, GET: showJob("collect") } },
  { path: "/prune", methods: { POST: startPruning, GET: showPruning } },
  { path: "/registries", methods: { GET: showAll } },
  { path: "/registries/{name}", methods: { GET: showAll } },
  { path: "/registries/{name}/events", methods: { POST: takeEvents } },
  { path: "/registries/{name}/gc", methods: { POST: startCollection, GET: showJob("collect") } },
  { path: "/registries/{name}/prune", methods: { POST: startPruning, GET: showPruning } },
  { path: "/livez", methods: { GET: async () => json({ status: "ok" }) } },
  { path: "/readyz", methods: { GET: showReadiness } },
  { path: "/metrics", methods: { GET: showMetrics } },
];

/** Pure. The host in a URL is what the client says it is: only the path counts. */
export function matchRoute(url: string): { route: Route; registry: string | null } | null {
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("//") + 2);
  const path = url.slice(start).replace(/[?#].*$/s, "");
  const plain = ROUTES.find((route) => route.path === path);
  if (plain) return { route: plain, registry: null };
  const [, name, rest = ""] = /^\/registries\/([A-Za-z0-9._-]+)(\/[a-z]+)?$/.exec(path) ?? [];
  const named = ROUTES.find((route) => route.path === `/registries/{name}${rest}`);
  return named && name !== undefined ? { route: named, registry: name } : null;
}

async function takeEvents(
  { request, registry, address }: Asked,
  { gate, inbox }: ListenerParts,
): Promise<Response> {
  gate.demandToken(request.headers, address);
  inbox.take(await readBody(request, BODY_LIMIT), registry);
  return empty(202);
}

async function startCollection(asked: Asked, parts: ListenerParts): Promise<Response> {
  const answers = begin(asked, parts, ["collect"]).flatMap(({ collect }) => collect ?? []);
  if (answers.length === 0) throw new Refusal(409, "nothing collects there: see `collect`");
  return text(answerText("GC", answers));
}

async function startPruning(asked: Asked, parts: ListenerParts): Promise<Response> {
  parts.gate.demandUser(asked.request.headers, asked.address);
  const all = begin(asked, parts, ["prune", "collect"]);
  const collects = all.some(({ collect }) => collect !== null);
  const answers = all.flatMap(({ prune }) => prune ?? []);
  return text(answerText(collects ? "prune+GC" : "prune", answers));
}

/** Asks the keepers that are meant, for each kind in turn. */
function begin(
  { registry }: Asked,
  { keepers, health }: ListenerParts,
  kinds: readonly Kind[],
): Readonly<Record<Kind, Answer | null>>[] {
  if (health.stopping) throw new Refusal(503, "it is about to stop");
  const meant = keepers.all().filter((keeper) => registry === null || keeper.registry === registry);
  return meant.map((keeper) => {
    const answers: Record<Kind, Answer | null> = { prune: null, collect: null };
    for (const kind of kinds) answers[kind] = keeper.ask(kind, "request");
    return answers;
  });
}

function showJob(kind: Kind): Handler {
  return async ({ registry }, { keepers }) => json(jobDocument(statuses(keepers, registry), kind));
}

async function showPruning(asked: Asked, parts: ListenerParts): Promise<Response> {
  parts.gate.demandUser(asked.request.headers, asked.address);
  return await showJob("prune")(asked, parts);
}

async function showAll(
  { request, registry, address }: Asked,
  { gate, keepers }: ListenerParts,
): Promise<Response> {
  gate.demandUser(request.headers, address);
  return json(statusDocument(statuses(keepers, registry)));
}

function statuses(keepers: ListenerParts["keepers"], registry: string | null) {
  return keepers.statuses().filter((one) => registry === null || one.registry === registry);
}

async function showReadiness(_: Asked, { health }: ListenerParts): Promise<Response> {
  const { status, findings } = await health.ready();
  const failing = findings.filter(({ reason }) => reason !== null);
  const checks = Object.fromEntries(failing.map(({ check, reason }) => [check, reason]));
  const body = failing.length === 0 ? { status } : { status, checks };
  return json(body, status === "unavailable" ? 503 : 200);
}

async function showMetrics(_: Asked, { metrics }: ListenerParts): Promise<Response> {
  const page = await metrics();
  return text(page.text, 200, { "content-type": page.contentType });
}
