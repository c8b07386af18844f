import type { Server as BunServer, SocketAddress } from "bun";

export type Fetch = (request: Request, bun: BunServer<undefined>) => Promise<Response>;

export interface Place {
  readonly hostname: string;
  /** 0: any free port. */
  readonly port: number;
}

export interface ListenerOptions extends Place {
  /** Seconds without a byte before a connection is closed: at most 255, which is all that Bun can. */
  readonly idle: number;
  readonly tls: TlsOptions | null;
}

/** What clients are shown, and what they must show. */
export interface TlsOptions {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** PEM: who may have signed the certificates of clients. Null: they need none. */
  readonly clientCAs: readonly string[] | null;
  readonly minimum: "1.2" | "1.3";
}

const PAUSE_MS = 50;

/** The numbers of the versions on the wire. */
const VERSIONS = { "1.2": 0x0303, "1.3": 0x0304 } as const;

/**
 * Listens at one address, over TLS with a certificate that can be replaced.
 *
 * A server of Bun has its certificate for good. So a new one is a new server at the same port, which
 * takes the new connections, while the old one answers what it has accepted.
 *
 * @see docs/decisions/0009-a-new-certificate-is-a-new-listener.md
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #fetch: Fetch;
  readonly #failed: (error: Error) => Response;
  #current: BunServer<undefined>;
  /** Those before the current one that still answer something. */
  readonly #former = new Set<BunServer<undefined>>();

  /** Throws when the address is taken, or when the certificate cannot be used. */
  constructor(options: ListenerOptions, fetch: Fetch, failed: (error: Error) => Response) {
    this.#fetch = fetch;
    this.#failed = failed;
    // Servers that follow each other must share the port. Nobody else shall: so it is tried alone first.
    if (options.tls) refuseTaken(options);
    this.#current = this.#serve(options);
    this.#options = { ...options, port: this.port };
  }

  get port(): number {
    return this.#current.port ?? 0;
  }

  /** Requests whose answer is not complete. */
  get pending(): number {
    const counts = this.#all().map(({ pendingRequests }) => pendingRequests);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Who sent a request that is being worked on; null when the client has gone. */
  client(request: Request): SocketAddress | null {
    for (const server of this.#all()) {
      const address = server.requestIP(request);
      if (address) return address;
    }
    return null;
  }

  /**
   * Shows this certificate to all who connect from now on. Requests under way are not touched; idle
   * connections are closed, so that clients come again. Throws, and goes on as before, when it cannot be used.
   */
  async present(tls: TlsOptions): Promise<void> {
    const former = this.#current;
    this.#current = this.#serve({ ...this.#options, tls });
    this.#former.add(former);
    // Making a server takes some milliseconds, in which connections came to the old one: they are
    // accepted in these turns of the loop. What waits when it closes is reset.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    void former.stop(false).then(() => this.#former.delete(former));
  }

  /** Takes no new connections and resolves when the last transfer has ended. */
  async stop(): Promise<void> {
    // A request that has arrived may not have been read yet, and is under way too: a connection without
    // one that was read is idle to Bun, and closed at once.
    await Bun.sleep(PAUSE_MS);
    const closed = this.#all().map((server) => server.stop(false));
    do await Bun.sleep(PAUSE_MS);
    while (this.pending > 0);
    // What is left are idle keep-alive connections.
    await this.abort();
    await Promise.all(closed);
  }

  /** Cuts off what still runs. */
  async abort(): Promise<void> {
    await Promise.all(this.#all().map((server) => server.stop(true)));
  }

  #all(): BunServer<undefined>[] {
    return [this.#current, ...this.#former];
  }

  #serve({ hostname, port, idle, tls }: ListenerOptions): BunServer<undefined> {
    const fetch = this.#fetch;
    return Bun.serve({
      hostname,
      port,
      idleTimeout: idle,
      // Bun's default is 128 MiB. Layers have no limit; documents are limited where they are read.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      development: false,
      // Without this a production server shares its port with any other process that asks for it.
      reusePort: tls !== null,
      fetch: (request, bun) => fetch(request, bun),
      error: this.#failed,
      ...(tls && { tls: asBunHasIt(tls) }),
    });
  }
}

function asBunHasIt({ cert, key, clientCAs, minimum }: TlsOptions) {
  const clients = clientCAs && { ca: [...clientCAs], requestCert: true, rejectUnauthorized: true };
  // Bun takes this one too, as a number, although its types do not have it.
  return { cert, key, minVersion: VERSIONS[minimum], ...clients };
}

/** Throws as a server does whose port is not shared. */
function refuseTaken({ hostname, port }: Place): void {
  if (port === 0) return;
  void Bun.serve({ hostname, port, reusePort: false, fetch: () => new Response() }).stop(true);
}
