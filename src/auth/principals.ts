import { RegistryError } from "../oci/errors.ts";
import type { AccessTokens } from "./access-tokens.ts";
import type { Accounts } from "./accounts.ts";
import type { Caller, Credential } from "./caller.ts";

/** Everybody who can show who he is: users with their passwords, and access tokens. */
export class Principals {
  constructor(
    readonly accounts: Accounts,
    readonly tokens: AccessTokens,
  ) {}

  /**
   * Whoever gives this name and password, which may be an access token. Throws UNAUTHORIZED, and
   * TOO_MANY_REQUESTS when the password was wrong too often.
   */
  login(
    name: string,
    password: Uint8Array<ArrayBuffer>,
    address: string,
  ): Caller | Promise<Caller> {
    const token = this.tokens.identify(Buffer.from(password).toString("latin1"), name);
    return token ?? this.accounts.login(name, password, address);
  }

  /**
   * A caller together with what an issued token can rest on. Throws UNAUTHORIZED for one who came with such a
   * token himself: tokens are not made from tokens, or they would never end.
   */
  rooted(caller: Caller): { readonly caller: Caller; readonly credential: Credential } {
    if (!caller.limited) {
      const whole =
        caller.credential || caller.name === null ? caller : this.accounts.find(caller.name);
      if (whole?.credential) return { caller: whole, credential: whole.credential };
      const { nobody } = this.accounts;
      if (caller.name === null && nobody) return { caller: nobody, credential: { kind: "nobody" } };
    }
    throw new RegistryError("UNAUTHORIZED", { reason: "a password or an access token is needed" });
  }

  /** Whoever once showed this, with his rights of this moment; null when it is worth nothing any more. */
  find(credential: Credential): Caller | null {
    switch (credential.kind) {
      case "nobody":
        return this.accounts.nobody;
      case "token":
        return this.tokens.find(credential.id);
      case "password": {
        const user = this.accounts.find(credential.user);
        const now = user?.credential;
        return now?.kind === "password" && now.version === credential.version ? user : null;
      }
    }
  }
}
