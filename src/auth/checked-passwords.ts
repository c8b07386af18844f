import { Bounded } from "./bounded.ts";
import type { Users } from "./htpasswd.ts";

/** Some hundred bytes each. */
const MOST = 10_000;
/**
 * One password can be sent in many forms: more spaces, other bytes beyond those that bcrypt looks at. A
 * user who tries them all shall not make us forget the others.
 */
const MOST_OF_ONE = 8;

/** A password that was right for this hash; it says nothing about another hash of the same user. */
interface Checked {
  readonly name: string;
  readonly hash: string;
}

/** Credentials whose password was found right, by a mark that tells nothing about them. */
export class CheckedPasswords {
  readonly #checked = new Bounded<Checked>(MOST);
  readonly #marks = new Bounded<string[]>(MOST);

  /** Whose they are, as long as he has the hash that they were checked against; null: not known. */
  userOf(mark: string, users: Users): string | null {
    const known = this.#checked.get(mark);
    return known && users.hashes.get(known.name) === known.hash ? known.name : null;
  }

  add(mark: string, name: string, hash: string): void {
    const marks = (this.#marks.get(name) ?? []).filter((one) => one !== mark);
    marks.push(mark);
    if (marks.length > MOST_OF_ONE) this.#checked.delete(marks.shift() ?? "");
    this.#marks.set(name, marks);
    this.#checked.set(mark, { name, hash });
  }
}
