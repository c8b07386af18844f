import { RegistryError } from "../oci/errors.ts";
import {
  type AccessToken,
  isExpired,
  isSecretOf,
  parseAccessToken,
  tokenCaller,
} from "./access-token.ts";
import { parseTokens } from "./access-token-file.ts";
import type { Accounts } from "./accounts.ts";
import type { Caller } from "./caller.ts";
import type { TokenUses } from "./token-uses.ts";
import { WatchedFile, type WatchOptions } from "./watched-file.ts";

/** The access tokens of a registry that runs: who shows one, and what he may do. */
export class AccessTokens {
  readonly #file: WatchedFile<ReadonlyMap<string, AccessToken>>;

  /** As long as neither token nor owner has changed, so that a request reads no globs. */
  readonly #callers = new WeakMap<AccessToken, { owner: Caller; caller: Caller }>();

  /** Throws DATA_FOLDER when the file is broken. */
  constructor(
    path: string,
    readonly accounts: Accounts,
    readonly now: () => number,
    readonly uses: TokenUses,
    watch: WatchOptions = {},
  ) {
    this.#file = new WatchedFile(path, (text) => parseTokens(path, text), watch);
  }

  /**
   * Whoever shows this text as a password or as a Bearer token; null when it does not look like a token of
   * ours. Throws UNAUTHORIZED, in the same words whether the token is wrong, expired or revoked, or its user
   * gone. `user`: the name that came with it, which must be the owner's; null: none came.
   */
  identify(text: string, user: string | null): Caller | null {
    const parts = parseAccessToken(text);
    if (!parts) return null;
    const token = this.#file.get().get(parts.id) ?? this.#lookFor(parts.id);
    const known = token !== undefined && isSecretOf(token, parts.secret);
    const caller = known && (user === null || user === token.user) ? this.find(parts.id) : null;
    if (!caller) throw new RegistryError("UNAUTHORIZED", { reason: "the token is not valid" });
    this.uses.mark(parts.id, this.now());
    return caller;
  }

  /** It may have been made a moment ago, and whoever made it wants to use it. */
  #lookFor(id: string): AccessToken | undefined {
    this.#file.look();
    return this.#file.get().get(id);
  }

  /** What the owner of this token may do with it now; null when it is gone, expired, or its owner is gone. */
  find(id: string): Caller | null {
    const token = this.#file.get().get(id);
    if (!token || isExpired(token, this.now())) return null;
    const owner = this.accounts.find(token.user);
    if (!owner) return null;
    const known = this.#callers.get(token);
    if (known?.owner === owner) return known.caller;
    const caller = tokenCaller(token, owner);
    this.#callers.set(token, { owner, caller });
    return caller;
  }
}
