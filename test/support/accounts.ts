import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { makeAccessToken, type TokenWish } from "../../src/auth/access-token.ts";
import { changeTokens } from "../../src/auth/access-token-file.ts";
import { AccessTokens } from "../../src/auth/access-tokens.ts";
import type { Accounts } from "../../src/auth/accounts.ts";
import type { Action, Caller } from "../../src/auth/caller.ts";
import { Issuer } from "../../src/auth/issuer.ts";
import { Principals } from "../../src/auth/principals.ts";
import { openTokenKey, type TokenKey } from "../../src/auth/token-key.ts";
import { TokenUses } from "../../src/auth/token-uses.ts";
import { RegistryError } from "../../src/oci/errors.ts";
import { temporaryFolder } from "./folder.ts";

/** A user of a test; his fields may be changed at any time. */
export interface TestUser {
  password: string;
  /** `pull app`, `push ci/x`, or `pull *`. */
  rights: string[];
}

/** Users in memory, who can be taken away and changed while tokens of theirs are about. */
export class TestAccounts implements Accounts {
  readonly users = new Map<string, TestUser>();
  /** Rights of those without credentials. */
  anonymous: string[] = [];

  get nobody(): Caller | null {
    return this.anonymous.length === 0 ? null : callerWith(null, () => this.anonymous);
  }

  add(name: string, ...rights: string[]): TestUser {
    const user = { password: `password of ${name}`, rights };
    this.users.set(name, user);
    return user;
  }

  find(name: string): Caller | null {
    const user = this.users.get(name);
    if (!user) return null;
    return {
      ...callerWith(name, () => this.users.get(name)?.rights ?? []),
      credential: { kind: "password", user: name, version: user.password },
    };
  }

  login(name: string, password: Uint8Array): Caller {
    const user = this.users.get(name);
    if (user?.password !== Buffer.from(password).toString())
      throw new RegistryError("UNAUTHORIZED");
    return this.find(name)!;
  }
}

function callerWith(name: string | null, rights: () => readonly string[]): Caller {
  const may = (action: Action, where: string): boolean => rights().includes(`${action} ${where}`);
  return {
    name,
    may: (action, repository) => may(action, repository) || may(action, "*"),
    mayEverywhere: (action) => may(action, "*"),
  };
}

/** An issuer with its users, tokens and key, and a clock that a test turns. */
export interface TestIssuer extends AsyncDisposable {
  readonly accounts: TestAccounts;
  readonly issuer: Issuer;
  readonly principals: Principals;
  readonly key: TokenKey;
  /** UTC milliseconds. */
  now: number;
  /** The tokens' file. */
  readonly path: string;
  /** Makes an access token; the text that its user has. */
  accessToken(wish: Partial<TokenWish> & Pick<TokenWish, "user">): Promise<string>;
  revoke(): Promise<void>;
}

export async function testIssuer(): Promise<TestIssuer> {
  const folder = await temporaryFolder();
  const accounts = new TestAccounts();
  const path = join(folder.path, "tokens.json");
  const now = (): number => made.now;
  const uses = new TokenUses(join(folder.path, "uses.json"));
  const tokens = new AccessTokens(path, accounts, now, uses, { every: 0 });
  const principals = new Principals(accounts, tokens);
  const key = await openTokenKey(join(folder.path, "key.json"));
  const issuer = new Issuer(
    { service: "test", expires: 300_000 },
    async () => await Promise.resolve(key),
    principals,
    now,
  );
  const made: TestIssuer = {
    accounts,
    issuer,
    principals,
    key,
    path,
    now: Date.UTC(2026, 0, 1),
    async accessToken(wish) {
      const usual = { repositories: ["**"], actions: ["pull", "push"], note: "", expires: null };
      const { token, text } = makeAccessToken(
        { ...usual, ...wish } as TokenWish,
        made.now,
        randomBytes,
      );
      await changeTokens(path, (all) => void all.set(token.id, token));
      return text;
    },
    revoke: async () => await changeTokens(path, (all) => all.clear()),
    async [Symbol.asyncDispose]() {
      await uses.flush();
      await folder[Symbol.asyncDispose]();
    },
  };
  return made;
}
