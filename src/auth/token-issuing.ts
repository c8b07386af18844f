import type { Caller } from "./caller.ts";
import type { Grants } from "./scope.ts";

/** An answer to a request for a token. */
export interface Issued {
  readonly token: string;
  /** Seconds. */
  readonly expiresIn: number;
  /** UTC milliseconds. */
  readonly issuedAt: number;
  /** What was granted, as scopes. */
  readonly scope: string;
  /** Only when it was asked for. */
  readonly refreshToken: string | null;
}

/** What issues tokens to clients which log in. */
export interface TokenIssuing {
  /**
   * Reads what signs the tokens, or makes it; otherwise that is done when it is needed first. The data folder
   * must be there, and ours. Rejects with DATA_FOLDER.
   */
  open(): Promise<void>;
  /** The audience of the tokens, which clients repeat. */
  readonly service: string;
  /**
   * Whoever gives this name and password, which may be an access token. Throws UNAUTHORIZED, and
   * TOO_MANY_REQUESTS when the password was wrong too often. `address` is where the request comes from.
   */
  login(name: string, password: Uint8Array<ArrayBuffer>, address: string): Caller | Promise<Caller>;
  /**
   * Issues a token for what the caller may have of what is asked for; `offline`: and a refresh token. To have
   * got nothing is no error for somebody with a name, as the protocol wants it. Throws UNAUTHORIZED for nobody
   * who gets nothing, and PARAMETER_INVALID when so much is asked for that no header could hold the token.
   */
  issue(by: Caller, asked: Grants, offline: boolean): Promise<Issued>;
  /** Whoever got this refresh token, with all his rights. Rejects with UNAUTHORIZED. */
  refresh(token: string): Promise<Caller>;
}
