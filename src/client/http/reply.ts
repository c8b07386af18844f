import { RegistryError } from "../../oci/errors.ts";
import { isRecord } from "../../oci/json.ts";
import { JsonError, parseStrictJson } from "../../oci/strict-json.ts";
import { type Deadline, unreachable } from "./deadline.ts";

const MEBIBYTE = 1024 * 1024;

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

  /** The body, decompressed; never more than `limit` bytes are held. Throws REMOTE. */
  async read(limit: number): Promise<Uint8Array<ArrayBuffer>> {
    using deadline = this.#deadline;
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of this.#response.body ?? []) {
        deadline.renew();
        size += chunk.length;
        if (size > limit)
          throw this.#unexpected(`is larger than ${Math.ceil(limit / MEBIBYTE)} MiB`);
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
        if (held.length > longest) throw this.#unexpected("has a line that does not end");
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

  async discard(): Promise<void> {
    this.#deadline[Symbol.dispose]();
    try {
      await this.#response.body?.cancel();
    } catch {
      // It has ended already, which is all that was wanted.
    }
  }

  #unexpected(what: string, cause?: unknown): RegistryError {
    const reason = `an answer of ${this.url.origin} ${what}`;
    return new RegistryError("REMOTE", { reason }, cause === undefined ? {} : { cause });
  }
}
