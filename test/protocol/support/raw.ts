import { connect, type Socket } from "node:net";
import { answer, type Answer } from "./http.ts";

/**
 * A TCP connection that speaks HTTP/1.1 as badly as a test wants to: for all that `fetch` would correct,
 * refuse to send, or hide.
 */
export interface RawConnection extends Disposable {
  /** Resolves when the system has taken the bytes. A server that has hung up already is no error here. */
  send(bytes: Uint8Array | string): Promise<void>;
  /**
   * The next answer, 1xx included; null when the server has closed the connection instead.
   * `head`: it belongs to a HEAD request, and has no body whatever its headers say.
   */
  answer(options?: { head?: boolean }): Promise<Answer | null>;
  /** All that comes until the server closes the connection, beside what was taken as an answer. */
  rest(): Promise<Uint8Array>;
  /** Stops taking what the server sends. */
  pause(): void;
  resume(): void;
  /** Says that no more will be sent, and goes on listening. */
  finish(): void;
  /** Hangs up: with a FIN, or at once with a RST. */
  hangUp(how?: "fin" | "reset"): void;
}

/** Nothing here waits longer for the server than this. */
const PATIENCE_MS = 10_000;

export async function connectRaw(port: number): Promise<RawConnection> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  // A reset is seen as the end of what comes.
  socket.on("error", () => undefined);
  await new Promise<void>((resolve, reject) =>
    socket.once("connect", resolve).once("error", reject),
  );
  socket.setNoDelay(true);
  const incoming = new Incoming(socket);
  return {
    send: (bytes) =>
      new Promise((resolve) => {
        if (socket.destroyed || !socket.writable) resolve();
        else socket.write(bytes, () => resolve());
      }),
    answer: async ({ head = false } = {}) => await nextAnswer(incoming, head),
    rest: async () => await incoming.everything(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    finish: () => void socket.end(),
    hangUp(how = "fin") {
      if (how === "reset") socket.resetAndDestroy();
      else socket.destroy();
    },
    [Symbol.dispose]() {
      socket.destroy();
    },
  };
}

/** Sends one whole text over a fresh connection, and returns the first answer, or null when there is none. */
export async function exchange(
  port: number,
  bytes: Uint8Array | string,
  options?: { head?: boolean },
) {
  using connection = await connectRaw(port);
  await connection.send(bytes);
  return await connection.answer(options);
}

export interface RawRequest {
  /** Header lines as they stand on the wire, without the line ends. `Host` is added unless one is here. */
  readonly headers?: readonly string[];
  readonly body?: Uint8Array | string;
  /** Content-Length is added when there is a body, unless this is false. */
  readonly length?: boolean;
}

/** A request as bytes. Nothing is checked or encoded. */
export function rawRequest(method: string, target: string, request: RawRequest = {}): Buffer {
  const { headers = [], body = "", length = body.length > 0 } = request;
  const lines = [`${method} ${target} HTTP/1.1`];
  if (!headers.some((line) => /^host\s*:/i.test(line))) lines.push("Host: 127.0.0.1");
  lines.push(...headers);
  const bytes = Buffer.from(body as string);
  if (length) lines.push(`Content-Length: ${bytes.length}`);
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), bytes]);
}

/** One chunk of a body with chunked transfer encoding; the empty one ends it. */
export function chunk(bytes: Uint8Array | string): Buffer {
  const content = Buffer.from(bytes as string);
  return Buffer.concat([
    Buffer.from(`${content.length.toString(16)}\r\n`),
    content,
    Buffer.from("\r\n"),
  ]);
}

/** What a socket receives, to be taken line by line and byte by byte. */
class Incoming {
  #held: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    socket.on("data", (bytes: Buffer) => {
      this.#held = Buffer.concat([this.#held, bytes]);
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    socket.on("end", end).on("close", end);
  }

  /** The bytes before `mark`, which is taken too; null when the connection ended before it came. */
  async until(mark: string): Promise<Buffer | null> {
    for (;;) {
      const at = this.#held.indexOf(mark);
      if (at >= 0) return this.#take(at, mark.length);
      if (this.#ended) return null;
      await this.#more(`"${mark}"`);
    }
  }

  /** Fewer than asked for only when the connection ended. */
  async take(length: number): Promise<Buffer> {
    while (this.#held.length < length && !this.#ended) await this.#more(`${length} bytes`);
    return this.#take(Math.min(length, this.#held.length), 0);
  }

  async everything(): Promise<Buffer> {
    while (!this.#ended) await this.#more("the end");
    return this.#take(this.#held.length, 0);
  }

  #take(length: number, dropped: number): Buffer {
    const taken = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length + dropped);
    return taken;
  }

  async #more(wanted: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      const held = this.#held.subarray(0, 200).toString("latin1");
      reject(new Error(`${wanted} did not come; what did: ${JSON.stringify(held)}`));
    }, PATIENCE_MS);
    this.#wake = resolve;
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function nextAnswer(incoming: Incoming, head: boolean): Promise<Answer | null> {
  const top = await incoming.until("\r\n\r\n");
  if (top === null) return null;
  const [first = "", ...lines] = top.toString("latin1").split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(`${first} `)?.[1]);
  if (Number.isNaN(status))
    throw new Error(`${JSON.stringify(first.slice(0, 200))} is not a status line`);
  const headers = new Headers(
    lines.map((line): [string, string] => [
      line.slice(0, line.indexOf(":")),
      line.slice(line.indexOf(":") + 1).trim(),
    ]),
  );
  const bodiless = head || status < 200 || status === 204 || status === 304;
  return answer(status, headers, new Uint8Array(bodiless ? [] : await readBody(incoming, headers)));
}

async function readBody(incoming: Incoming, headers: Headers): Promise<Buffer> {
  const length = headers.get("content-length");
  if (length !== null) return await incoming.take(Number(length));
  if (headers.get("transfer-encoding") !== "chunked") return await incoming.everything();
  const chunks: Buffer[] = [];
  for (;;) {
    const size = Number.parseInt((await incoming.until("\r\n"))?.toString() ?? "0", 16);
    chunks.push(await incoming.take(size));
    await incoming.until("\r\n");
    if (size === 0) return Buffer.concat(chunks);
  }
}
