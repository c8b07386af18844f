import type { ClientAddress, ForwardedScheme } from "./client-address.ts";

/** The address at the other end of a request's connection; "" when the client has gone. */
export type PeerOf = (request: Request) => string;

/**
 * Where a request comes from. Asking a connection who is at its other end costs an eighth of a small
 * answer, and few want to know: it is done when somebody does.
 */
export class Sender {
  #peer: string | null = null;
  #address: string | null = null;

  constructor(
    readonly request: Request,
    readonly peerOf: PeerOf,
    readonly proxies: { readonly address: ClientAddress; readonly scheme: ForwardedScheme },
  ) {
    // Who sends a body may break off, and it is then that one wants to know who it was.
    if (request.method !== "GET" && request.method !== "HEAD") this.#peer = peerOf(request);
  }

  /** Of the client: the connection's, or what a trusted proxy says. */
  get address(): string {
    return (this.#address ??= this.proxies.address(this.#asked(), this.request.headers));
  }

  /** What a trusted proxy was asked over, as it says it; null: there is none, or it does not say. */
  get scheme(): string | null {
    return this.proxies.scheme(this.#asked(), this.request.headers);
  }

  #asked(): string {
    return (this.#peer ??= this.peerOf(this.request));
  }
}
