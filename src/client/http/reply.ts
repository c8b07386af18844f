import { RegistryError } from "../../oci/errors.ts";
import { isRecord } from "../../oci/json.ts";
import { JsonError, parseStrictJson } from "../../oci/strict-json.ts";
import type { Deadline } from "./deadline.ts";
import { unreachable } from "./unreachable.ts";

const MEBIBYTE = 1024 * 1024;
/** Bytes of an unwanted body that are read all the same, so that its connection can be used again. */
const WORTH_READING = 64 * 1024;

/** One answer of a registry. Its body is read once, with a limit, or discarded. */
export class Reply {
  readonly #response: Response;
  readonly #deadline: Deadline;

  constructor(
    response: Response,
    deadline: Deadline,
    readonly method: string,
    /** Where it came from in the end: redirects may have led away from the registry. */
    readonly url: URL,
    /** The IP address that sent it; null when only a proxy knows. */
    readonly peer: string | null = null,
  ) {
    this.#response = response;
    this.#deadline = deadline;
  }

  get status(): number {
    return this.#response.status;
  }

  header(name: string): string | null {
    return this.#response.headers.get(name);
  }

  /** Calls when the body has been read or discarded, or given up. */
  whenOver(call: () => void): void {
    this.#deadline.whenOver(call);
  }

  /** The body; never more than `limit` bytes are held. Throws REMOTE. */
  async read(limit: number): Promise<Uint8Array<ArrayBuffer>> {
    using deadline = this.#deadline;
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of this.#response.body ?? []) {
        deadline.renew();
        size += chunk.length;
        if (size > limit) {
          deadline.cut();
          throw this.#unexpected(`is larger than ${sizeText(limit)}`);
        }
        chunks.push(chunk);
      }
    } catch (error) {
      if (error instanceof RegistryError) throw error;
      throw unreachable(this.url, deadline, error);
    }
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  /** The body as it comes, of any length. Throws REMOTE when it breaks off. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    using deadline = this.#deadline;
    try {
      for await (const chunk of this.#response.body ?? []) {
        deadline.renew();
        yield chunk;
      }
    } catch (error) {
      throw unreachable(this.url, deadline, error);
    }
  }

  /** The body, line by line as they come, of at most `longest` bytes each. Throws REMOTE. */
  async *lines(longest: number): AsyncGenerator<string> {
    using deadline = this.#deadline;
    const decoder = new TextDecoder();
    let held = "";
    try {
      for await (const chunk of this.#response.body ?? []) {
        deadline.renew();
        const lines = (held + decoder.decode(chunk, { stream: true })).split("\n");
        held = lines.pop() ?? "";
        if (held.length > longest) {
          deadline.cut();
          throw this.#unexpected("has a line that does not end");
        }
        yield* lines;
      }
    } catch (error) {
      if (error instanceof RegistryError) throw error;
      throw unreachable(this.url, deadline, error);
    }
    if (held !== "") yield held;
  }

  /** A JSON object. Throws REMOTE when it is anything else, such as the page of a proxy. */
  async object(limit: number): Promise<Readonly<Record<string, unknown>>> {
    const bytes = await this.read(limit);
    try {
      const value = parseStrictJson(bytes);
      if (isRecord(value)) return value;
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      const html = this.header("content-type")?.includes("html");
      throw this.#unexpected(
        html ? "is a web page, not what a registry says" : "is not JSON",
        error,
      );
    }
    throw this.#unexpected("is not a JSON object");
  }

  /** Nobody wants the body: a short one is read to its end, any other is cut off. */
  async discard(): Promise<void> {
    using deadline = this.#deadline;
    const { body } = this.#response;
    if (body === null) return;
    let size = 0;
    try {
      for await (const chunk of body) {
        size += chunk.length;
        if (size > WORTH_READING) break;
      }
    } catch {
      // It has ended already, which is all that was wanted.
    }
    if (size > WORTH_READING) deadline.cut();
  }

  #unexpected(what: string, cause?: unknown): RegistryError {
    const reason = `an answer of ${this.url.origin} ${what}`;
    return new RegistryError("REMOTE", { reason }, cause === undefined ? {} : { cause });
  }
}

function sizeText(bytes: number): string {
  return bytes < MEBIBYTE ? `${bytes} bytes` : `${Math.ceil(bytes / MEBIBYTE)} MiB`;
}
