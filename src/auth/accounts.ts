import type { Caller } from "./caller.ts";

/** Who there is, and what each may do now: users, groups and rules, as tokens need to know them. */
export interface Accounts {
  /** Whoever shows nothing; null: without credentials nobody may do anything. */
  readonly nobody: Caller | null;
  /** A user with all his rights of this moment; null when there is none of this name (any more). */
  find(name: string): Caller | null;
  /**
   * The user with this password. Throws UNAUTHORIZED when it is wrong, TOO_MANY_REQUESTS when it was wrong
   * too often. `address` is where the request comes from.
   */
  login(name: string, password: Uint8Array<ArrayBuffer>, address: string): Caller | Promise<Caller>;
}
