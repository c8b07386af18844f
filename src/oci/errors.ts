import { ERRORS, type ErrorKind } from "./error-table.ts";

/** What is known about one failure. `reason` is a sentence that ends the message; the rest are facts. */
export interface ErrorDetail {
  readonly reason?: string;
  readonly [fact: string]: unknown;
}

/**
 * The one error type. It is thrown by whoever finds the fault and caught in two places: `http/reply.ts`
 * makes it an OCI error body, `main.ts` a line on the terminal and an exit code.
 *
 * `detail` reaches the client: never put secrets, paths of the server or stack traces into it.
 * `headers` are added to the HTTP answer (Range and Location of an upload, Content-Range of a blob).
 */
export class RegistryError extends Error {
  override readonly name = "RegistryError";

  constructor(
    readonly kind: ErrorKind,
    readonly detail: ErrorDetail = {},
    options: { cause?: unknown; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(
      detail.reason === undefined
        ? ERRORS[kind].message
        : `${ERRORS[kind].message}: ${detail.reason}`,
      "cause" in options ? { cause: options.cause } : undefined,
    );
    this.headers = options.headers ?? {};
  }

  readonly headers: Readonly<Record<string, string>>;

  get status(): number {
    return ERRORS[this.kind].status;
  }
}

/** TOO_MANY_REQUESTS, which tells the client to come back in `wait` milliseconds. */
export function tooManyRequests(reason: string, wait: number): RegistryError {
  const headers = { "retry-after": String(Math.ceil(wait / 1000)) };
  return new RegistryError("TOO_MANY_REQUESTS", { reason }, { headers });
}
