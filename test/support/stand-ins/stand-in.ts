import type { Asked, Place } from "./asked.ts";
import { Content } from "./content.ts";
import { KINDS, type DifferenceName, type Kind, type KindName } from "./differences.ts";
import { answerDistribution } from "./distribution.ts";
import { answerHarbor } from "./harbor-api.ts";
import { HarborState } from "./harbor.ts";
import { OPEN, basicLogin, bearerLogin } from "./login.ts";
import type { User } from "./users.ts";

/** A small registry in this process, over real HTTP, with the differences of one that others run. */
export interface StandIn extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly content: Content;
  /** Null unless it is a Harbor. */
  readonly harbor: HarborState | null;
  /** `METHOD PATH?QUERY` of everything it was asked, in order. */
  readonly heard: readonly string[];
  /** Answers instead of it, when it has an answer. `done`: what was asked was done before, and nobody hears of it. */
  trouble: ((request: number) => Response | "done" | null) | null;
  /** What its answers say that the time is; null: the right one. UTC milliseconds. */
  date: number | null;
}

export interface StandInOptions {
  /** Who may do something; none: everybody may do everything, but in Harbor's own API. */
  readonly users?: readonly User[];
  /** Beside those of its kind. */
  readonly more?: readonly DifferenceName[];
  readonly less?: readonly DifferenceName[];
}

/** Every so many-th request is one too many. */
const TOO_OFTEN = 7;

export function startStandIn(name: KindName, options: StandInOptions = {}): StandIn {
  const kind: Kind = KINDS[name];
  const differences = new Set<DifferenceName>([...kind.differences, ...(options.more ?? [])]);
  for (const difference of options.less ?? []) differences.delete(difference);
  const content = new Content();
  const place: Place = { content, is: (difference) => differences.has(difference) };
  const harbor = name === "harbor" ? new HarborState(content) : null;
  const users = options.users ?? [];
  const projectOf = harbor && ((full: string) => harbor.project(full.split("/", 1)[0] ?? ""));
  const logins = {
    none: OPEN,
    basic: basicLogin(users),
    bearer: bearerLogin(place, users, projectOf),
  };
  const login = users.length === 0 ? OPEN : logins[kind.login];
  const heard: string[] = [];

  const answer = (asked: Asked): Response => {
    if (place.is("sometimes-429") && heard.length % TOO_OFTEN === 0) {
      return Response.json(
        { errors: [{ code: "TOOMANYREQUESTS", message: "Rate exceeded" }] },
        { status: 429, headers: { "retry-after": "0" } },
      );
    }
    if (harbor && asked.path.startsWith("/api/v2.0/")) return answerHarbor(harbor, users, asked);
    return login.stop(asked) ?? answerDistribution(place, asked);
  };

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    async fetch(request): Promise<Response> {
      const url = new URL(request.url);
      heard.push(`${request.method} ${url.pathname}${url.search}`);
      const trouble = standIn.trouble?.(heard.length) ?? null;
      if (trouble instanceof Response) return trouble;
      const answered = answer({
        method: request.method,
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        bytes: new Uint8Array(await request.arrayBuffer()),
        origin: url.origin,
      });
      if (standIn.date !== null) answered.headers.set("date", new Date(standIn.date).toUTCString());
      return trouble === "done" ? new Response(null, { status: 502 }) : answered;
    },
  });
  const host = `127.0.0.1:${server.port}`;
  const standIn: StandIn = {
    url: `http://${host}`,
    host,
    content,
    harbor,
    heard,
    trouble: null,
    date: null,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
  return standIn;
}
