import { type AddressInfo, type Socket, createServer } from "node:net";

/** A server that speaks to each request as it likes, also what is no HTTP. */
export interface RawServer extends AsyncDisposable {
  readonly url: string;
  /** How many connections there were. */
  readonly connections: () => number;
}

/** `speak` is called when something has been asked. */
export async function rawServer(speak: (socket: Socket) => void): Promise<RawServer> {
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    socket.on("data", () => speak(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
