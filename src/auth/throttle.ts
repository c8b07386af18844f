import { Bounded } from "./bounded.ts";
import { clientOf } from "./address.ts";

/** So many wrong passwords of one address for one user cost nothing but themselves. */
const FREE_FOR_USER = 5;
/** The same for all users together: behind one address there may be many people. */
const FREE_FOR_ADDRESS = 50;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
/** After so long without a wrong password, all is forgiven. */
const FORGOTTEN_MS = 15 * 60_000;
const MOST_ENTRIES = 20_000;

interface Failures {
  count: number;
  last: number;
}

/**
 * Slows down whoever guesses passwords. After a few wrong ones each further try has to wait, twice as long
 * every time, up to a minute: for this user from this address, and, later, for all users from there.
 * Nobody can lock a user out from elsewhere. Memory is bounded: the oldest failures are forgotten first.
 *
 * Times are milliseconds of one clock, given by the caller.
 */
export class Throttle {
  readonly #failures = new Bounded<Failures>(MOST_ENTRIES);

  /** Milliseconds until this user may try again from this address; 0: now. */
  wait(address: string, user: string, now: number): number {
    const client = clientOf(address);
    return Math.max(
      this.#left(client, FREE_FOR_ADDRESS, now),
      this.#left(pair(client, user), FREE_FOR_USER, now),
    );
  }

  failed(address: string, user: string, now: number): void {
    const client = clientOf(address);
    this.#count(client, now);
    this.#count(pair(client, user), now);
  }

  /** Forgives this user here; not the address, or any user of ours could go on guessing those of others. */
  succeeded(address: string, user: string): void {
    this.#failures.delete(pair(clientOf(address), user));
  }

  #left(key: string, free: number, now: number): number {
    const known = this.#failures.get(key);
    if (!known || known.count < free || now - known.last > FORGOTTEN_MS) return 0;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (known.count - free), LONGEST_WAIT_MS);
    return Math.max(0, known.last + wait - now);
  }

  #count(key: string, now: number): void {
    const known = this.#failures.get(key);
    const count = known && now - known.last <= FORGOTTEN_MS ? known.count + 1 : 1;
    this.#failures.set(key, { count, last: now });
  }
}

/** An address has no space in it, so no user's name can make one of another. */
function pair(client: string, user: string): string {
  return `${client} ${user.slice(0, 255)}`;
}
