import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { AccessTokens } from "./access-tokens.ts";
import { TOKENS_FILE } from "./access-token-file.ts";
import { accountsOf } from "./accounts.ts";
import { type Gate, OPEN_GATE } from "./gate.ts";
import { HtpasswdFile, type Warn } from "./htpasswd-file.ts";
import { Issuer } from "./issuer.ts";
import { passwordGate } from "./password-gate.ts";
import { Principals } from "./principals.ts";
import { compileRules } from "./rules.ts";
import { tokenGate, tokenServerGate } from "./token-gate.ts";
import { KEY_FILE, openTokenKey } from "./token-key.ts";
import { TokenServer } from "./token-server/token-server.ts";
import { TokenUses, USES_FILE } from "./token-uses.ts";
import type { WatchOptions } from "./watched-file.ts";

/** Where a gate finds what it needs. */
export interface GatePlaces {
  /** The file of users where the configuration names none. */
  readonly htpasswd: string;
  /** The folder of our own files; it need not be there yet. */
  readonly own: string;
}

/**
 * The gate that the configuration asks for, with its users and tokens read; an issuer is not open yet, as its
 * key is made where nobody else may be. Throws CONFIG_INVALID, or DATA_FOLDER when the tokens are broken.
 */
export async function createGate(
  auth: Config["auth"],
  { htpasswd, own }: GatePlaces,
  warn: Warn,
): Promise<Gate> {
  if (auth === undefined || auth === "none") return OPEN_GATE;
  const watch: WatchOptions = {
    onTrouble: (err) => warn({ err }, "a file of tokens is broken; what it said before counts"),
  };
  if (auth.token) return tokenServerGate(new TokenServer(auth.token, Date.now, watch));
  const now = (): number => performance.now();
  const source = new HtpasswdFile(auth.htpasswd ?? htpasswd, warn);
  const rules = compileRules(auth);
  const passwords = passwordGate({ realm: auth.realm, rules, source, now });
  const users = await source.users(now());
  const anonymous = auth.anonymousPull.length > 0;
  const accounts = accountsOf({ rules, anonymous, source, users, passwords, now });
  const uses = new TokenUses(join(own, USES_FILE));
  const tokens = new AccessTokens(join(own, TOKENS_FILE), accounts, Date.now, uses, watch);
  const principals = new Principals(accounts, tokens);
  if (!auth.issuer) return tokenGate(passwords, principals, null);
  const key = async () => await openTokenKey(join(own, KEY_FILE));
  return tokenGate(passwords, principals, new Issuer(auth.issuer, key, principals, Date.now));
}
