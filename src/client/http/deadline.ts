import { RegistryError } from "../../oci/errors.ts";

/**
 * Ends a conversation in which the other side has stopped talking: `stallMs` without a byte, or
 * `totalMs` altogether unless that is null, so that neither silence nor one byte a minute holds a command for ever.
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #total: Timer | null;
  #stall: Timer;

  constructor(
    readonly stallMs: number,
    totalMs: number | null,
  ) {
    this.#total = totalMs === null ? null : setTimeout(this.#end, totalMs);
    this.#stall = setTimeout(this.#end, stallMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something came. */
  renew(): void {
    clearTimeout(this.#stall);
    this.#stall = setTimeout(this.#end, this.stallMs);
  }

  [Symbol.dispose](): void {
    if (this.#total) clearTimeout(this.#total);
    clearTimeout(this.#stall);
  }

  readonly #end = (): void => {
    this.#controller.abort();
  };
}

/** What the network's codes mean, in words with which something can be done. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there; is the registry running?",
  ECONNRESET: "the connection was cut",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the name cannot be looked up now",
  EPROTO: "it does not speak TLS; --plain-http is for registries without",
};

/** An answer that did not come, or not to its end. Only the origin is named: paths and queries may carry secrets. */
export function unreachable({ origin }: URL, deadline: Deadline, cause: unknown): RegistryError {
  return new RegistryError("REMOTE", { reason: `${origin}: ${why(deadline, cause)}` }, { cause });
}

function why({ signal, stallMs }: Deadline, cause: unknown): string {
  if (signal.aborted) return `no answer within ${Math.ceil(stallMs / 1000)} s, or not to its end`;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (/CERT|SIGNED|SIGNATURE|ALTNAME/.test(code)) {
    return `its certificate is not trusted (${code}); --insecure takes any`;
  }
  return MEANINGS[code] ?? `the connection failed${code && ` (${code})`}`;
}
