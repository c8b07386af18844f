import { createHash, timingSafeEqual } from "node:crypto";
import { parseBasic } from "../../auth/basic.ts";
import { Throttle } from "../../auth/throttle.ts";
import { Refusal } from "./reply.ts";

/** Who may do what; as configured. */
export interface GateSettings {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly eventToken?: string | undefined;
}

/** Asks callers who they are. Whoever guesses passwords has to wait, longer each time. */
export class KeepGate {
  readonly #settings: () => GateSettings;
  /** Monotonic milliseconds. */
  readonly #uptime: () => number;
  readonly #throttle = new Throttle();

  constructor(settings: () => GateSettings, uptime: () => number) {
    this.#settings = settings;
    this.#uptime = uptime;
  }

  /** Throws 401 or 429 unless nobody needs a password to prune, or this is the right one. */
  demandUser(headers: Headers, address: string): void {
    const { username, password } = this.#settings();
    if (username === undefined || password === undefined) return;
    this.#patience(address);
    const given = parseBasic(headers.get("authorization") ?? "");
    const right =
      given !== null &&
      same(given.name, username) &&
      same(Buffer.from(given.password).toString("utf8"), password);
    const challenge = 'Basic realm="wharf keep", charset="UTF-8"';
    this.#settle(right, given !== null, address, challenge, "user and password are needed");
  }

  /** The same for notifications and their token. */
  demandToken(headers: Headers, address: string): void {
    const { eventToken } = this.#settings();
    if (eventToken === undefined) return;
    this.#patience(address);
    const given = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    const right = given !== undefined && same(given, eventToken);
    const challenge = 'Bearer realm="wharf keep"';
    this.#settle(right, given !== undefined, address, challenge, "the token is needed");
  }

  #patience(address: string): void {
    const wait = this.#throttle.wait(address, "", this.#uptime());
    if (wait === 0) return;
    const seconds = Math.ceil(wait / 1000);
    throw new Refusal(429, "too many wrong passwords", { "retry-after": String(seconds) });
  }

  #settle(right: boolean, tried: boolean, address: string, challenge: string, says: string): void {
    if (right) return this.#throttle.succeeded(address, "");
    if (tried) this.#throttle.failed(address, "", this.#uptime());
    throw new Refusal(401, says, { "www-authenticate": challenge });
  }
}

/** In a time that says nothing of where they differ, or how long they are. */
function same(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
