import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { RegistryError, tooManyRequests } from "../oci/errors.ts";
import { type BasicCredentials, parseBasic } from "./basic.ts";
import type { Caller } from "./caller.ts";
import { basicChallenge } from "./challenge.ts";
import { CheckedPasswords } from "./checked-passwords.ts";
import { clientOf } from "./address.ts";
import type { From, Gate } from "./gate.ts";
import type { Users } from "./htpasswd.ts";
import { verifyNobody, verifyPassword } from "./passwords.ts";
import type { Rules } from "./rules.ts";
import { Throttle } from "./throttle.ts";
import { WorkQueue } from "./work-queue.ts";

/** Where the users stand; `HtpasswdFile` says what the arguments mean. */
export interface UserSource {
  users(now: number, sure?: boolean): Users | Promise<Users>;
}

export interface PasswordGateOptions {
  /** What clients show when they ask for a password. */
  readonly realm: string;
  readonly rules: Rules;
  readonly source: UserSource;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/**
 * A check keeps a core busy for tens of milliseconds. One core stays free for requests, and with one
 * check at a time on a small machine pulls do not notice them.
 */
const LIMITS = {
  atOnce: Math.max(1, Math.min(4, availableParallelism() - 1)),
  perClient: 100,
  inAll: 400,
};

/**
 * Lets in who knows a password of an htpasswd file.
 *
 * A password that was found right is remembered, as a keyed digest of the header with a key that this
 * process alone knows, so a request of a known caller costs microseconds and is identified at once. It is
 * worth as much as the hash that it was checked against: when the file has another, it is checked again.
 *
 * Checks run on other threads, few at a time. Whoever is not in the file is checked against a hash of
 * somebody else, so that time does not tell who is.
 */
export function passwordGate({ realm, rules, source, now }: PasswordGateOptions): Gate {
  const fingerprint = fingerprints();
  const checked = new CheckedPasswords();
  const underWay = new Map<string, Promise<Caller>>();
  const throttle = new Throttle();
  const queue = new WorkQueue(LIMITS);

  const challenge = basicChallenge(realm);

  const known = (mark: string, users: Users): Caller | null => {
    const name = checked.userOf(mark, users);
    return name === null ? null : rules.user(name);
  };

  const unknown = async (mark: string, header: string, address: string): Promise<Caller> => {
    const credentials = parseBasic(header);
    if (!credentials) throw new RegistryError("UNAUTHORIZED", { reason: NOT_BASIC });
    if (credentials.name === "" && credentials.password.length === 0) return rules.anonymous;
    // Many requests of one client begin at once: one check is enough for all of them.
    const key = `${address} ${mark}`;
    const same = underWay.get(key);
    if (same) return await same;
    const work = check(mark, credentials, address).finally(() => underWay.delete(key));
    underWay.set(key, work);
    return await work;
  };

  const check = async (
    mark: string,
    { name, password }: BasicCredentials,
    address: string,
  ): Promise<Caller> => {
    const users = await source.users(now(), true);
    const hash = users.hashes.get(name);
    // Looked for in any case: that takes a moment, which would tell.
    const other = decoy(users, fingerprint(name));
    const refuseHasty = (): void => {
      const wait = throttle.wait(address, name, now());
      if (wait > 0) throw tooManyRequests("wrong passwords, too often", wait);
    };
    refuseHasty();
    const verified = queue.run(clientOf(address), async () => {
      // Those that waited with this one may have been wrong meanwhile.
      refuseHasty();
      const right = await (hash === undefined
        ? verifyNobody(password, other)
        : verifyPassword(password, hash));
      if (!right) throttle.failed(address, name, now());
      return right;
    });
    if (!verified) throw tooManyRequests("too many passwords wait to be checked", 1000);
    if (!(await verified) || hash === undefined) throw new RegistryError("UNAUTHORIZED");
    throttle.succeeded(address, name);
    checked.add(mark, name, hash);
    const current = await source.users(now());
    // While it was checked the file may have got another hash for him, or none.
    return known(mark, current) ?? (await check(mark, { name, password }, address));
  };

  const identified = (header: string, sender: From, users: Users): Caller | Promise<Caller> => {
    const mark = fingerprint(header);
    return known(mark, users) ?? unknown(mark, header, sender.address);
  };

  return {
    identify(headers, sender) {
      const header = headers.get("authorization");
      if (header === null) return rules.anonymous;
      const users = source.users(now());
      if (!(users instanceof Promise)) return identified(header, sender, users);
      return users.then((read) => identified(header, sender, read));
    },
    challenge: () => challenge,
  };
}

const NOT_BASIC = "the Authorization header is not one user and one password, as Basic has them";

/** Digests of secrets that are worth nothing outside of this process. */
function fingerprints(): (secret: string) => string {
  // A hash of key and secret in one call makes nothing that has to be collected, as an HMAC's state would be
  // for every request. Nobody sees the digests, so there is nothing that could be extended.
  const key = randomBytes(32).toString("base64");
  return (secret) => Bun.SHA256.hash(key + secret, "base64");
}

/** Somebody's hash, always the same for one name: its cost is as likely as that of any user's. */
function decoy({ hashes }: Users, mark: string): string | undefined {
  if (hashes.size === 0) return undefined;
  let at = Buffer.from(mark, "base64").readUInt32BE() % hashes.size;
  for (const hash of hashes.values()) if (at-- === 0) return hash;
  return undefined;
}
