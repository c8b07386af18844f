import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { changeTokens, TOKENS_FILE } from "../../../src/auth/access-token-file.ts";
import { makeAccessToken, type TokenWish } from "../../../src/auth/access-token.ts";
import { createGate } from "../../../src/auth/create-gate.ts";
import type { Gate } from "../../../src/auth/gate.ts";
import { hashPassword } from "../../../src/auth/passwords.ts";
import type { Config } from "../../../src/config/schema.ts";
import { auth } from "../../../src/config/schema-auth.ts";
import { temporaryFolder } from "../../support/folder.ts";

/** A gate made as the server makes it, with files that a test changes as commands do. */
export interface IssuingGate extends AsyncDisposable {
  readonly gate: Gate;
  /** Users and their passwords; whoever is not named is a user no more. */
  setUsers(users: Readonly<Record<string, string>>): Promise<void>;
  /** The text that the user of the token has. */
  accessToken(wish: Partial<TokenWish> & Pick<TokenWish, "user">): Promise<string>;
  revokeAll(): Promise<void>;
}

/** `settings`: what stands under `auth` in a wharf.yaml. */
export async function issuingGate(
  settings: Readonly<Record<string, unknown>> = { issuer: {} },
): Promise<IssuingGate> {
  const folder = await temporaryFolder();
  const own = folder.at("own");
  await mkdir(own);
  const htpasswd = join(own, "htpasswd");
  const setUsers = async (users: Readonly<Record<string, string>>): Promise<void> => {
    const lines = Object.entries(users).map(async ([name, password]) => {
      const bytes = new Uint8Array(Buffer.from(password));
      return `${name}:${await hashPassword(bytes, 4)}\n`;
    });
    await writeFile(htpasswd, (await Promise.all(lines)).join(""));
  };
  await setUsers({ ann: "ann's", bob: "bob's" });
  const config = auth.parse(settings) as Config["auth"];
  const gate = await createGate(config, { htpasswd, own }, () => undefined);
  const path = join(own, TOKENS_FILE);
  return {
    gate,
    setUsers,
    async accessToken(wish) {
      const actions: TokenWish["actions"] = ["pull", "push"];
      const usual = { repositories: ["**"], actions, note: "", expires: null };
      const { token, text } = makeAccessToken({ ...usual, ...wish }, Date.now(), randomBytes);
      await changeTokens(path, (all) => void all.set(token.id, token));
      return text;
    },
    revokeAll: async () => await changeTokens(path, (all) => all.clear()),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

export function basic(name: string, password: string): Readonly<Record<string, string>> {
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}` };
}

export function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}

/** What `/token` answers. */
export interface TokenAnswer {
  readonly token: string;
  readonly access_token: string;
  readonly expires_in: number;
  readonly issued_at: string;
  readonly scope: string;
  readonly refresh_token?: string;
}
