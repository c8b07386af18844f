import { RegistryError } from "../oci/errors.ts";
import { debugHealth, livez, readyz, startupz } from "./health.ts";
import type { Place } from "./listener.ts";
import { metricsPage } from "./metrics.ts";
import type { Operations } from "./operations.ts";
import { errorReply } from "./reply.ts";
import { targetOf } from "./target.ts";

type Page = (operations: Operations, query: URLSearchParams) => Promise<Response>;

/** All that the debug listener has: it reads, and nobody is asked who he is. */
const PAGES: Readonly<Record<string, Page>> = {
  "/metrics": async ({ metrics }) => await metricsPage(metrics),
  "/debug/health": async (operations) => await debugHealth(operations),
  "/livez": async () => livez(),
  "/readyz": async (operations, query) => await readyz(operations, query),
  "/startupz": async (operations) => startupz(operations),
};

export interface DebugServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Listens for those who watch over the registry. Throws when the address is taken. */
export function startDebugServer({ hostname, port }: Place, operations: Operations): DebugServer {
  const server = Bun.serve({
    hostname,
    port,
    development: false,
    reusePort: false,
    maxRequestBodySize: 1024,
    async fetch({ url, method }) {
      const { path, query } = targetOf(url, "");
      const page = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined;
      if (!page) return errorReply(new RegistryError("ENDPOINT_UNKNOWN"));
      if (method !== "GET" && method !== "HEAD") {
        const headers = { allow: "GET, HEAD" };
        return errorReply(new RegistryError("METHOD_UNSUPPORTED", {}, { headers }));
      }
      return await page(operations, query);
    },
    error: () => errorReply(new RegistryError("INTERNAL")),
  });
  return { port: server.port ?? port, stop: async () => await server.stop(true) };
}
