import { type Socket, connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";

/** Stands before a server, and writes down every byte that clients send to it. */
export interface Tap extends AsyncDisposable {
  /** To be used in place of the server's. */
  readonly url: string;
  /** What was sent over each connection. */
  readonly recorded: readonly Buffer[];
}

export async function tapBefore(port: number): Promise<Tap> {
  const recorded: Buffer[] = [];
  const sockets = new Set<Socket>();
  const tap = createServer((client) => {
    const server = connect({ host: "127.0.0.1", port });
    const at = recorded.push(Buffer.alloc(0)) - 1;
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    client.on("data", (bytes: Buffer) => {
      recorded[at] = Buffer.concat([recorded[at] ?? Buffer.alloc(0), bytes]);
      server.write(bytes);
    });
    server.on("data", (bytes: Buffer) => void client.write(bytes));
    client.on("close", () => server.destroy());
    server.on("close", () => client.end());
  });
  await new Promise<void>((resolve) => tap.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(tap.address() as AddressInfo).port}`,
    recorded,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => tap.close(resolve));
    },
  };
}
