/** One request that went through. */
export interface Passed {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly status: number;
}

/** Stands in front of a registry and writes down what it is asked. Leaving the scope stops it. */
export interface CountingProxy extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  readonly passed: Passed[];
  /** How many requests there were, of those that match, and forgets all of them. */
  take(matching?: (passed: Passed) => boolean): number;
  /** Called before a request is passed on; an answer of its own keeps it from the registry. */
  intercept: (request: { readonly method: string; readonly path: string }) => MaybeAnswer;
  /** Called with the registry's answer, which it may replace. */
  after: (
    request: { readonly method: string; readonly path: string },
    answer: Response,
  ) => MaybeAnswer;
}

type MaybeAnswer = Response | undefined | Promise<Response | undefined>;

export function countingProxy(upstream: string): CountingProxy {
  const passed: Passed[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    async fetch(request): Promise<Response> {
      const { pathname, search } = new URL(request.url);
      const asked = { method: request.method, path: pathname + search };
      const own = await proxy.intercept(asked);
      const answer = own ?? (await forward(request, upstream + asked.path).catch(unreachable));
      passed.push({ ...asked, status: answer.status });
      return (await proxy.after(asked, answer)) ?? answer;
    },
  });
  const proxy: CountingProxy = {
    url: `http://127.0.0.1:${server.port}`,
    passed,
    take(matching = () => true) {
      return passed.splice(0).filter(matching).length;
    },
    intercept: () => undefined,
    after: () => undefined,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
  return proxy;
}

async function forward(request: Request, url: string): Promise<Response> {
  // With the Host as it came: registries name themselves by it in their Locations.
  const headers = new Headers(request.headers);
  const body = request.method === "GET" || request.method === "HEAD" ? null : await request.bytes();
  const answer = await fetch(url, {
    method: request.method,
    headers,
    redirect: "manual",
    ...(body && { body }),
  });
  return new Response(request.method === "HEAD" ? null : await answer.bytes(), {
    status: answer.status,
    headers: answer.headers,
  });
}

/** The registry has gone: a test may have stopped it. */
function unreachable(): Response {
  return new Response("", { status: 502 });
}
