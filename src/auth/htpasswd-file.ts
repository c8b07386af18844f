import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type Looks, lookAt } from "./file-looks.ts";
import { NO_USERS, type Users, parseHtpasswd } from "./htpasswd.ts";

/** Who hears of what is wrong with the file. */
export type Warn = (facts: Readonly<Record<string, unknown>>, message: string) => void;

/** How long what was read is believed without another look at the file: microseconds, but not none. */
const LOOK_MS = 250;
/** How long a file that is gone, empty or torn may be one that is just being written. */
const PATIENCE_MS = 1000;
/** Two changes so close together can bear the same time: what was read in between is read again. */
const SAME_TIME_MS = 100;
/** Tens of thousands of users. */
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_PROBLEMS = 20;

const NOBODY = "nobody can log in (`wharf user add NAME` adds somebody)";

/** What a reading of the file brought: its users, or why there are none. */
interface Reading {
  readonly users: Users | null;
  /** In words; null: all is well. */
  readonly trouble: string | null;
  /** The trouble is one that passes when whoever writes the file is done. */
  readonly passing: boolean;
}

/**
 * The users of an htpasswd file, as it is now.
 *
 * It is looked at when it is asked for, a few times a second at most, and read when it has become another
 * file (renamed over, a link that leads elsewhere) or has changed. One that is missing, empty or cut off
 * keeps the users that were read before for a second, because that is what a file being written looks
 * like, and then counts as it is. One that cannot be read keeps them until it can.
 */
export class HtpasswdFile {
  #users: Users = NO_USERS;
  #mark: string | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #troubledSince: number | null = null;
  #lastTrouble: string | null = null;
  #reading: Promise<Users> | null = null;

  constructor(
    readonly path: string,
    readonly warn: Warn,
  ) {}

  /**
   * The users; a promise only when the file must be read first. `sure`: look at the file even if that was
   * done just now. `now`: milliseconds of a clock that never goes back. Never fails.
   */
  users(now: number, sure = false): Users | Promise<Users> {
    if (this.#reading) return this.#reading;
    if (!sure && now - this.#lookedAt < LOOK_MS) return this.#users;
    this.#lookedAt = now;
    const { mark, settled } = look(this.path);
    if (mark === this.#mark) return this.#users;
    this.#reading = this.#read(now).finally(() => {
      this.#reading = null;
    });
    this.#mark = settled ? mark : null;
    return this.#reading;
  }

  async #read(now: number): Promise<Users> {
    const { users, trouble, passing } = await read(this.path);
    if (trouble === null && users) {
      this.#troubledSince = null;
      this.#report(null);
      this.#take(users);
      return this.#users;
    }
    this.#troubledSince ??= now;
    // Nobody may have asked for a long time: then the trouble is older than what we know of it.
    const waited =
      now - this.#troubledSince >= PATIENCE_MS || changedBefore(this.path, PATIENCE_MS);
    if (!passing) {
      this.#report(trouble);
      // It may be readable the next time without a sign of a change, as when descriptors had run out.
      this.#mark = null;
    } else if (waited || this.#users.hashes.size === 0) {
      this.#report(trouble);
      this.#take(users ?? NO_USERS);
    } else {
      this.#report(`${trouble}; the users read before stay for a moment`);
      // Time alone will change what this means.
      this.#mark = null;
    }
    return this.#users;
  }

  #take(users: Users): void {
    const news = users.problems.length > 0 && users !== this.#users;
    this.#users = users;
    if (!news) return;
    const lines = users.problems.slice(0, MOST_PROBLEMS);
    this.warn(
      { file: this.path, lines, more: users.problems.length - lines.length },
      "some lines of the file of users are not as they should be",
    );
  }

  /** Says each trouble once, until there is another one or none. */
  #report(trouble: string | null): void {
    if (trouble !== null && trouble !== this.#lastTrouble) {
      this.warn({ file: this.path }, `the file of users: ${trouble}`);
    }
    this.#lastTrouble = trouble;
  }
}

/** What cannot even be looked at has the mark of its error. */
function look(path: string): Pick<Looks, "mark" | "settled"> {
  try {
    return lookAt(path, SAME_TIME_MS);
  } catch (error) {
    return { mark: codeOf(error), settled: true };
  }
}

/** Whether the file, or the folder that it is gone from, was last changed at least so long ago. */
function changedBefore(path: string, milliseconds: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  const folder = found ?? statSync(dirname(path), { throwIfNoEntry: false });
  return folder === undefined || Date.now() - folder.ctimeMs >= milliseconds;
}

async function read(path: string): Promise<Reading> {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > MOST_BYTES) {
      const trouble = `it has ${size} bytes, more than ${MOST_BYTES}: it is not read, and who was a user before stays one`;
      return { users: null, trouble, passing: false };
    }
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") {
      return { users: null, trouble: `it is missing: ${NOBODY}`, passing: true };
    }
    const trouble = `it cannot be read (${code}): who was a user before stays one`;
    return { users: null, trouble, passing: false };
  }
  const users = parseHtpasswd(text);
  if (users.torn) {
    return { users, trouble: "its last line ends in the middle", passing: true };
  }
  if (users.hashes.size === 0) {
    return { users, trouble: `it has no users: ${NOBODY}`, passing: true };
  }
  return { users, trouble: null, passing: false };
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
