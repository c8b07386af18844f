import { hash } from "node:crypto";
import { isRecord, isStrings } from "../oci/json.ts";
import { RegistryError } from "../oci/errors.ts";
import { Bounded } from "./bounded.ts";
import type { AccessEntry } from "./scope.ts";

/** What a genuine token says. */
export interface Claims {
  /** "": nobody in particular. */
  readonly subject: string;
  /** UTC milliseconds. */
  readonly expires: number;
  /** UTC milliseconds. */
  readonly notBefore: number;
  readonly access: readonly AccessEntry[];
  /** What else it says; the signature covers it. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Longer than any header that reaches us. */
const LONGEST_TOKEN = 16 * 1024;

/** Tokens that are remembered as genuine. */
const REMEMBERED = 4096;

/** UNAUTHORIZED, with what the challenge says of it (RFC 6750, section 3.1). */
export function invalidToken(reason: string, cause?: unknown): RegistryError {
  const detail = { reason: `the token is not valid (${reason})`, error: "invalid_token" };
  return new RegistryError("UNAUTHORIZED", detail, { cause });
}

/**
 * Reads the payload of a token whose signature was checked. Times must be whole seconds; a token without an
 * end has ended. Throws UNAUTHORIZED. Pure.
 */
export function readClaims(payload: Readonly<Record<string, unknown>>): Claims {
  const seconds = (name: string): number => {
    const value = payload[name] ?? 0;
    if (typeof value === "number" && Number.isSafeInteger(value)) return value * 1000;
    throw invalidToken(`${name} is no whole number`);
  };
  const subject = payload["sub"] ?? "";
  if (typeof subject !== "string") throw invalidToken("sub is no text");
  const access = payload["access"] ?? [];
  if (!Array.isArray(access)) throw invalidToken("access is no list");
  return {
    subject,
    expires: seconds("exp"),
    notBefore: seconds("nbf"),
    access: access.map(readEntry),
    payload,
  };
}

function readEntry(entry: unknown): AccessEntry {
  const { type = "", name = "", actions = [] } = isRecord(entry) ? entry : {};
  const known = isRecord(entry) && typeof type === "string" && typeof name === "string";
  const list = actions ?? [];
  if (!known || !isStrings(list)) throw invalidToken("access has something else than entries");
  return { type, name, actions: list };
}

/** How many milliseconds before and after its time a token is still taken, because clocks differ. */
export interface Leeway {
  readonly early: number;
  readonly late: number;
}

/** Throws UNAUTHORIZED outside of the time of a token. Pure. */
export function checkTime(
  { expires, notBefore }: Claims,
  now: number,
  { early, late }: Leeway,
): void {
  if (now >= expires + late) throw invalidToken("it has expired");
  if (now < notBefore - early) throw invalidToken("its time has not come");
}

/**
 * Remembers which tokens are genuine: checking a signature takes a tenth of a millisecond, and one token
 * comes with every request of a push. Tokens themselves are not kept, only their hashes.
 */
export class VerifiedTokens<T> {
  #known = new Bounded<T>(REMEMBERED);

  /** What `check` has said of this token; it throws, or rejects, when the token is not genuine. */
  get(token: string, check: (token: string) => Promise<T>): T | Promise<T> {
    if (token.length > LONGEST_TOKEN) throw invalidToken("it is too long");
    const key = hash("sha256", token, "base64");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    // What was forgotten meanwhile must not come back.
    const place = this.#known;
    return check(token).then((value) => {
      place.set(key, value);
      return value;
    });
  }

  /** Other keys are trusted from now on. */
  forget(): void {
    this.#known = new Bounded<T>(REMEMBERED);
  }
}
