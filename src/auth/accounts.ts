import { createHash } from "node:crypto";
import { Bounded } from "./bounded.ts";
import type { Caller } from "./caller.ts";
import type { Gate } from "./gate.ts";
import type { Users } from "./htpasswd.ts";
import type { UserSource } from "./password-gate.ts";
import type { Rules } from "./rules.ts";

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

export interface AccountsOptions {
  readonly rules: Rules;
  /** Whether anything may be pulled without credentials. */
  readonly anonymous: boolean;
  readonly source: UserSource;
  /** As they were read first. */
  readonly users: Users;
  /** Knows passwords. */
  readonly passwords: Gate;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

const REMEMBERED = 10_000;

/** The users of an htpasswd file, with the rights that the rules give them. */
export function accountsOf(options: AccountsOptions): Accounts {
  const { rules, anonymous, source, passwords, now } = options;
  const callers = new Bounded<{ hash: string; rights: Caller; caller: Caller }>(REMEMBERED);
  let { users } = options;
  /** While the file is being read, a matter of milliseconds, it counts what stood there before. */
  const current = (): Users => {
    const known = source.users(now());
    if (!(known instanceof Promise)) users = known;
    else void known.then((read) => (users = read));
    return users;
  };
  return {
    nobody: anonymous ? rules.anonymous : null,
    find(name) {
      const hash = current().hashes.get(name);
      if (hash === undefined) return null;
      const rights = rules.user(name);
      const known = callers.get(name);
      if (known?.hash === hash && known.rights === rights) return known.caller;
      const version = createHash("sha256").update(hash).digest("base64url").slice(0, 22);
      const caller: Caller = { ...rights, credential: { kind: "password", user: name, version } };
      callers.set(name, { hash, rights, caller });
      return caller;
    },
    login(name, password, address) {
      const both = Buffer.concat([Buffer.from(`${name}:`), password]).toString("base64");
      return passwords.identify(new Headers({ authorization: `Basic ${both}` }), { address });
    },
  };
}
