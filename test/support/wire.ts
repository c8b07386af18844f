import { connect, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";

export interface WireAnswer {
  readonly status: number;
  readonly headers: Headers;
}

/**
 * One HTTP/1.1 request over a socket of our own, for what `fetch` cannot do: to send slowly, to stop
 * reading, to hang up in the middle, and to know that nothing is buffered on this side.
 */
export interface Wire extends Disposable {
  /** Sends body bytes; resolved when the system has taken them, so that a slow server slows the caller. */
  send(bytes: Uint8Array | string): Promise<void>;
  /** The status line and the headers; the body follows in `body()`. */
  answer(): Promise<WireAnswer>;
  /** The rest of the connection, read no faster than it is consumed. */
  body(): AsyncIterable<Uint8Array>;
  /** Hangs up at once. */
  [Symbol.dispose](): void;
}

export async function openRequest(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Wire> {
  const address = new URL(url);
  const place = { host: address.hostname, port: Number(address.port) };
  const secure = address.protocol === "https:";
  // Whose certificate it is, is the question of other tests.
  const socket = secure ? connectSecurely({ ...place, rejectUnauthorized: false }) : connect(place);
  let failure: Error | undefined;
  socket.on("error", (error) => (failure = error));
  await new Promise<void>((resolve, reject) =>
    socket.once(secure ? "secureConnect" : "connect", resolve).once("error", reject),
  );
  const source = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const next = async (): Promise<Buffer | undefined> => {
    const { done, value } = await source.next();
    return done === true ? undefined : value;
  };
  let rest = Buffer.alloc(0);

  const lines = [
    `${method} ${address.pathname}${address.search} HTTP/1.1`,
    `Host: ${address.host}`,
    "Connection: close",
  ];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  await write(socket, `${lines.join("\r\n")}\r\n\r\n`);

  return {
    send: (bytes) => write(socket, bytes),
    async answer() {
      let head = -1;
      while ((head = rest.indexOf("\r\n\r\n")) < 0) {
        const chunk = await next();
        if (chunk === undefined)
          throw new Error(
            `the connection ended without an answer${failure ? `: ${failure.message}` : ""}`,
          );
        rest = Buffer.concat([rest, chunk]);
      }
      const [first = "", ...fields] = rest.subarray(0, head).toString("latin1").split("\r\n");
      rest = rest.subarray(head + 4);
      return {
        status: Number(first.split(" ")[1]),
        headers: new Headers(
          fields.map((field): [string, string] => [
            field.slice(0, field.indexOf(":")),
            field.slice(field.indexOf(":") + 1).trim(),
          ]),
        ),
      };
    },
    async *body() {
      if (rest.byteLength > 0) yield rest;
      for (let chunk = await next(); chunk !== undefined; chunk = await next()) yield chunk;
    },
    [Symbol.dispose]() {
      socket.destroy();
    },
  };
}

function write(socket: Socket, bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/** A chunk in the encoding of requests whose length is not known when they start. */
export function chunked(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([
    Buffer.from(`${bytes.byteLength.toString(16)}\r\n`),
    bytes,
    Buffer.from("\r\n"),
  ]);
}
export const lastChunk = "0\r\n\r\n";
