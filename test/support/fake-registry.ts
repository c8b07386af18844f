/** What a fake registry was asked. */
export interface Heard {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly authorization: string | null;
  readonly body: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A registry that says whatever a test wants, over real HTTP. Leaving the scope stops it. */
export interface FakeRegistry extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Everything it was asked, in order. */
  readonly heard: readonly Heard[];
}

export function fakeRegistry(
  answer: (asked: Heard, url: string) => Response | Promise<Response>,
  tls?: {
    readonly cert: string;
    readonly key: string;
    /** Who must have signed the certificates of clients; unset: they need none. */
    readonly clients?: string;
  },
): FakeRegistry {
  const heard: Heard[] = [];
  const scheme = tls ? "https" : "http";
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    ...(tls && {
      tls: {
        cert: tls.cert,
        key: tls.key,
        ...(tls.clients && { ca: tls.clients, requestCert: true, rejectUnauthorized: true }),
      },
    }),
    async fetch(request): Promise<Response> {
      const { pathname, search, host: own } = new URL(request.url);
      const asked: Heard = {
        method: request.method,
        path: pathname + search,
        authorization: request.headers.get("authorization"),
        body: await request.text(),
        headers: Object.fromEntries(request.headers),
      };
      heard.push(asked);
      return await answer(asked, `${scheme}://${own}`);
    },
  });
  const host = `127.0.0.1:${server.port}`;
  return {
    url: `${scheme}://${host}`,
    host,
    heard,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

/** An error as registries write it. */
export function ociError(status: number, code: string, message = "", headers = {}): Response {
  return Response.json({ errors: [{ code, message }] }, { status, headers });
}
