import { writeFile } from "node:fs/promises";
import { hashPassword } from "../../src/auth/passwords.ts";
import type { Folder } from "./folder.ts";
import { type Server, startWharf } from "./server.ts";

/** The header of somebody who knows a password. */
export function basic(name: string, password: string): { readonly authorization: string } {
  const both = Buffer.from(`${name}:${password}`).toString("base64");
  return { authorization: `Basic ${both}` };
}

/** One line of an htpasswd file, with a hash that is quick to check. */
export async function userLine(name: string, password: string): Promise<string> {
  return `${name}:${await hashPassword(new TextEncoder().encode(password), 4)}\n`;
}

export interface AccessOptions {
  /** Name to password. */
  readonly users: Readonly<Record<string, string>>;
  /** What `auth` has beside its file of users. */
  readonly auth?: Readonly<Record<string, unknown>>;
  /** Other settings. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** The server under test, as a process, which asks for passwords. Its users stand in `users` in the folder. */
export async function startClosedWharf(folder: Folder, options: AccessOptions): Promise<Server> {
  const lines = Object.entries(options.users).map(
    async ([name, password]) => await userLine(name, password),
  );
  const htpasswd = folder.at("users");
  await writeFile(htpasswd, (await Promise.all(lines)).join(""));
  const config = { ...options.settings, auth: { htpasswd, ...options.auth } };
  await writeFile(folder.at("wharf.yaml"), JSON.stringify(config));
  const args = [folder.at("wharf.yaml")];
  return await startWharf({ data: folder.at("data"), args, ready: [401] });
}
