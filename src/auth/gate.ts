import { ANYBODY, type Caller } from "./caller.ts";
import type { TokenIssuing } from "./token-issuing.ts";

/** Where headers come from. Finding it out may cost something: it is asked for when it is needed. */
export interface From {
  readonly address: string;
}

/** Decides who a caller is. */
export interface Gate {
  /**
   * Who sends these headers. Without credentials: a caller without a name.
   * Throws UNAUTHORIZED when the credentials are wrong, TOO_MANY_REQUESTS when they were wrong too often.
   */
  identify(headers: Headers, sender: From): Caller | Promise<Caller>;
  /**
   * The WWW-Authenticate header that asks for credentials; null: nothing is ever asked for. `base`: where
   * clients reach the API, an absolute URL that paths are put behind; null: that is not known. `error`: what
   * was wrong with the token, in the words of RFC 6750.
   */
  challenge(scope: string | null, base?: string | null, error?: string | null): string | null;
  /** The WWW-Authenticate header where only a name and a password help. */
  readonly login?: string | undefined;
  /** What issues tokens here; unset: nothing does. */
  readonly issuer?: TokenIssuing | undefined;
}

/** No authentication: everybody may do everything. */
export const OPEN_GATE: Gate = {
  identify: () => ANYBODY,
  challenge: () => null,
};
