import { type IncomingMessage, createServer, request } from "node:http";
import { type AddressInfo, type Socket, connect } from "node:net";

/** A proxy that leads names to ports of this machine. Leaving the scope stops it. */
export interface FakeProxy extends AsyncDisposable {
  readonly url: string;
  /** `HOST:PORT` of every request and every tunnel, in order. */
  readonly asked: readonly string[];
  /** What it was shown as Proxy-Authorization, in order; "": nothing. */
  readonly shown: readonly string[];
}

/** `hosts`: which port a host's name stands for; unset: the one that was asked for. */
export async function fakeProxy(hosts: Readonly<Record<string, number>> = {}): Promise<FakeProxy> {
  const asked: string[] = [];
  const shown: string[] = [];
  const hear = (host: string, { headers }: IncomingMessage): void => {
    asked.push(host);
    shown.push(headers["proxy-authorization"] ?? "");
  };
  // Tunnels belong to the server no more.
  const open = new Set<Socket>();
  const server = createServer((incoming, answer) => {
    const url = new URL(incoming.url ?? "");
    hear(url.host, incoming);
    const { "proxy-authorization": _, "proxy-connection": __, ...headers } = incoming.headers;
    const onward = request({
      host: "127.0.0.1",
      port: hosts[url.hostname] ?? Number(url.port),
      path: url.pathname + url.search,
      method: incoming.method,
      headers,
    });
    onward.on("response", (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    onward.on("error", () => answer.writeHead(502).end());
    incoming.pipe(onward);
  });
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.on("connect", (incoming, socket) => {
    const host = incoming.url ?? "";
    hear(host, incoming);
    const { hostname, port } = new URL(`http://${host}`);
    const onward = connect(hosts[hostname] ?? Number(port), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    const end = (): void => {
      onward.destroy();
      socket.destroy();
    };
    onward.on("error", end);
    socket.on("error", end);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    shown,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
