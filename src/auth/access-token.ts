import { hash as digest, timingSafeEqual } from "node:crypto";
import { parseNameGlob } from "../oci/name-glob.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Action, Caller } from "./caller.ts";

/** A long-lived token of a user, for a part of what he may do. What is stored of it; the secret is not. */
export interface AccessToken {
  readonly id: string;
  /** SHA-256 of the secret, hex. It has too much entropy to be guessed, so a slow hash would add nothing. */
  readonly hash: string;
  /** Whose rights it has a part of. */
  readonly user: string;
  /** Globs. */
  readonly repositories: readonly string[];
  readonly actions: readonly Action[];
  /** UTC, ISO 8601. */
  readonly created: string;
  /** UTC, ISO 8601; null: never. */
  readonly expires: string | null;
  readonly note: string;
}

/** What is asked for when a token is made. */
export type TokenWish = Pick<AccessToken, "user" | "repositories" | "actions" | "note"> & {
  /** UTC milliseconds; null: never. */
  readonly expires: number | null;
};

const FORM = /^wharf_([a-z0-9]{12})_([A-Za-z0-9]{43})$/;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const ID_LENGTH = 12;
/** 256 bits. */
const SECRET_LENGTH = 43;

/** The parts of a token as users have it; null when it is none. */
export function parseAccessToken(text: string): { id: string; secret: string } | null {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? null : { id, secret };
}

/** Makes a token. `text` is for its user, and is known to nobody afterwards. `random` gives that many bytes. */
export function makeAccessToken(
  wish: TokenWish,
  now: number,
  random: (length: number) => Uint8Array,
): { readonly token: AccessToken; readonly text: string } {
  const id = letters(ID_LENGTH, LETTERS.slice(26), random);
  const secret = letters(SECRET_LENGTH, LETTERS, random);
  const { user, repositories, actions, note } = wish;
  const created = new Date(now).toISOString();
  const expires = wish.expires === null ? null : new Date(wish.expires).toISOString();
  const token = { id, hash: hashOf(secret), user, repositories, actions, created, expires, note };
  return { token, text: `wharf_${id}_${secret}` };
}

/** Each letter as likely as any other: bytes beyond the last whole round of the alphabet are left out. */
function letters(length: number, alphabet: string, random: (length: number) => Uint8Array): string {
  const fair = 256 - (256 % alphabet.length);
  let text = "";
  while (text.length < length) {
    for (const byte of random(length)) {
      if (byte < fair && text.length < length) text += alphabet[byte % alphabet.length];
    }
  }
  return text;
}

function hashOf(secret: string): string {
  return digest("sha256", secret, "hex");
}

/** Whether this is the secret of the token. The time says nothing about how much of it was right. */
export function isSecretOf({ hash }: AccessToken, secret: string): boolean {
  const wanted = Buffer.from(hash, "latin1");
  const given = Buffer.from(hashOf(secret), "latin1");
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}

export function isExpired({ expires }: AccessToken, now: number): boolean {
  return expires !== null && Date.parse(expires) <= now;
}

/** Whoever shows a token: what it allows, of what its owner may do at that moment. */
export function tokenCaller(token: AccessToken, owner: Caller): Caller {
  const globs = token.repositories.map(parseNameGlob);
  const allows = (action: Action, repository: RepositoryName): boolean =>
    token.actions.includes(action) &&
    globs.some((glob) => "matches" in glob && glob.matches(repository));
  return {
    name: token.user,
    may: (action, repository) => allows(action, repository) && owner.may(action, repository),
    mayEverywhere: (action) =>
      token.actions.includes(action) &&
      token.repositories.includes("**") &&
      owner.mayEverywhere(action),
    credential: { kind: "token", id: token.id },
  };
}
