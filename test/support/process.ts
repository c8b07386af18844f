/** Everything that was started and has not ended: nothing may outlive the tests, whatever went wrong. */
const running = new Set<Bun.Subprocess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A server in a process of its own. Leaving the scope that holds it (`await using`) stops it. */
export interface Server extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  /** `127.0.0.1:PORT`, as clients write it in front of a repository. */
  readonly host: string;
  readonly pid: number;
  /** All that it wrote so far. */
  logs(): string;
  /** Sends a signal, SIGTERM unless told otherwise, and waits for the end. Once it has ended, it only says how. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
  /** Waits for the end without asking for it. */
  readonly ended: Promise<Ended>;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | number | null;
}

export interface ServerOptions {
  readonly command: (listen: string) => readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The first `GET` of this path that is answered with one of the statuses means that it is up. */
  readonly ready: { readonly path: string; readonly statuses: readonly number[] };
  /** Whether it speaks TLS; its certificate is taken as it is. */
  readonly secure?: boolean;
  /** `127.0.0.1:PORT`, where it must be this one: others were told of it. */
  readonly listen?: string;
}

const startPatience = 30_000;
const stopPatience = 30_000;

/** Starts a server on a free port and waits until it answers. */
export async function startServer(options: ServerOptions): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const host = options.listen ?? `127.0.0.1:${freePort()}`;
    const server = spawn(options, host);
    const trouble = await untilReady(server, options.ready);
    if (trouble === undefined) return server;
    await server.stop("SIGKILL");
    // Between looking for a free port and listening on it, another process can have taken it.
    const taken = /EADDRINUSE|address already in use|in use\?/i.test(server.logs());
    if (!taken || attempt === 3)
      throw new Error(`${options.command(host).join(" ")}\n${trouble}\n${server.logs()}`);
  }
}

function spawn(options: ServerOptions, host: string): Server {
  const child = Bun.spawn([...options.command(host)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: options.env,
  });
  running.add(child);
  let logs = "";
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) logs += decoder.decode(chunk, { stream: true });
  };
  const written = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const ended = child.exited.then(async (): Promise<Ended> => {
    running.delete(child);
    await written;
    return { code: child.exitCode, signal: child.signalCode };
  });
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> => {
    child.kill(signal);
    const patience = setTimeout(() => child.kill("SIGKILL"), stopPatience);
    try {
      return await ended;
    } finally {
      clearTimeout(patience);
    }
  };
  return {
    url: `${options.secure ? "https" : "http"}://${host}`,
    host,
    pid: child.pid,
    logs: () => logs,
    stop,
    ended,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

async function untilReady(
  server: Server,
  ready: ServerOptions["ready"],
): Promise<string | undefined> {
  let over: Ended | undefined;
  void server.ended.then((ended) => (over = ended));
  const deadline = performance.now() + startPatience;
  while (performance.now() < deadline) {
    if (over !== undefined) return `ended at once, with ${over.signal ?? `exit code ${over.code}`}`;
    const response = await fetch(server.url + ready.path, {
      signal: AbortSignal.timeout(2000),
      tls: { rejectUnauthorized: false },
    }).catch(() => undefined);
    await response?.body?.cancel();
    if (response !== undefined && ready.statuses.includes(response.status)) return undefined;
    await Bun.sleep(20);
  }
  return `did not answer within ${startPatience} ms`;
}

/** Below the range from which the system takes ports for outgoing connections, so that none of those gets it first. */
export function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // Somebody else's; try another.
    }
  }
}
