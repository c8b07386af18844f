import { DeliveryError } from "../read-events.ts";
import { BODY_LIMIT } from "./limits.ts";
import type { ListenerParts } from "./parts.ts";
import { Refusal, text } from "./reply.ts";
import { type Asked, matchRoute } from "./routes.ts";

export interface KeepServer {
  readonly port: number;
  /** Takes no more connections and ends those that are idle; answers what is under way. */
  stop(): Promise<void>;
}

const IDLE_SECONDS = 30;

/** Listens for notifications, triggers and those who watch over the keeper. Throws when the address is taken. */
export function startListener(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  parts: ListenerParts,
): KeepServer {
  const server = Bun.serve({
    hostname,
    port,
    development: false,
    reusePort: false,
    idleTimeout: IDLE_SECONDS,
    // A little more than is read: who sends more than the limit shall hear of it.
    maxRequestBodySize: 2 * BODY_LIMIT,
    async fetch(request, bun) {
      const address = bun.requestIP(request)?.address ?? "";
      return await answer(request, address, parts);
    },
    error: () => text("something went wrong", 500),
  });
  return {
    port: server.port ?? port,
    stop: async () => await server.stop(true),
  };
}

async function answer(request: Request, address: string, parts: ListenerParts): Promise<Response> {
  const { method } = request;
  const found = matchRoute(request.url);
  let response: Response;
  let failure: unknown = null;
  try {
    if (!found) throw new Refusal(404, "404 page not found");
    const { route, registry } = found;
    const handler = route.methods[method === "HEAD" ? "GET" : method];
    if (!handler) {
      const allow = Object.keys(route.methods).join(", ");
      throw new Refusal(405, `${method} is not allowed here`, { allow });
    }
    if (registry !== null && !parts.keepers.of(registry)) {
      throw new Refusal(404, "there is no such registry");
    }
    if (method === "POST") refuseBrowsers(request.headers);
    const asked: Asked = { request, registry, address };
    response = await handler(asked, parts);
  } catch (error) {
    failure = error;
    response = refusal(error);
  }
  const { status } = response;
  parts.answered({ method, route: found?.route.path ?? null, status, address }, failure);
  return method === "HEAD" ? new Response(null, response) : response;
}

function refusal(error: unknown): Response {
  if (error instanceof Refusal) return text(error.message, error.status, error.headers);
  // As before us: nobody reads more than the status.
  if (error instanceof DeliveryError) return text(error.message, 400);
  return text("it could not be written down; see the log", 500);
}

/** No page of another site starts anything here: what a browser sends says from where it comes. */
function refuseBrowsers(headers: Headers): void {
  const site = headers.get("sec-fetch-site");
  if (headers.has("origin") || (site !== null && site !== "none" && site !== "same-origin")) {
    throw new Refusal(403, "not from a page of another site");
  }
}
