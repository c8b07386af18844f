/** Something in a tree that is not as it should be. What it touches stays as it is; the rest is read. */
export interface TreeProblem {
  readonly repository: string;
  /** Inside the data folder. */
  readonly path: string;
  readonly problem: string;
}

/** The medium failed, or whoever made a place does not let us read it: what is there is not known. */
export class Unreadable {
  constructor(readonly error: unknown) {}

  toString(): string {
    const message = this.error instanceof Error ? this.error.message : String(this.error);
    return `it cannot be read; what is known of it stays (${message})`;
  }
}

/** Something else is in the place of a file or folder: that is known, and nothing was lost to a failing medium. */
export class Misplaced extends Error {}

/**
 * What a problem may hide of what is needed: nothing; something of its own repository; or the names of
 * blobs, of which any may be meant.
 */
export type Hides = "nothing" | "something" | "blobs";

/** What a repository says about one path below it. Left out, a problem in words hides nothing. */
export type Remark = (path: string, problem: string | Unreadable, hides?: Hides) => void;

/** A repository that is broken all over need not say so a hundred thousand times. */
const SAID_OF_EACH = 50;

/** What came to light while a tree was read. */
export class Findings {
  readonly problems: TreeProblem[] = [];
  readonly #unread = new Set<string>();
  readonly #unseen = new Set<string>();

  /**
   * Repositories, or folders with all that is below them (`""`: all), of which something could not be
   * read: what is known of that may be older than the tree, or nothing.
   */
  get unread(): string[] {
    return [...this.#unread];
  }

  /** Of the unread, those of which nothing at all was read: the metadata do not say that something is amiss. */
  get unseen(): string[] {
    return [...this.#unseen];
  }

  add(repository: string, path: string, problem: string | Unreadable): void {
    if (isFailure(problem)) {
      this.#unread.add(repository);
      this.#unseen.add(repository);
    }
    this.#say(repository, path, problem);
  }

  #say(repository: string, path: string, problem: string | Unreadable): void {
    this.problems.push({ repository, path, problem: String(problem) });
  }

  /** Whether a repository lies in a folder that could not be read. */
  isUnread(repository: string): boolean {
    return [...this.#unread].some(
      (folder) => folder === "" || folder === repository || repository.startsWith(`${folder}/`),
    );
  }

  /** Takes the remarks about one repository; the end says how many were left out. */
  about(repository: string, path: string): { remark: Remark; end(): void } {
    let count = 0;
    return {
      remark: (at, problem) => {
        if (isFailure(problem)) this.#unread.add(repository);
        if (++count <= SAID_OF_EACH) this.#say(repository, at, problem);
      },
      end: () => {
        if (count <= SAID_OF_EACH) return;
        this.add(repository, path, `${count - SAID_OF_EACH} more problems are not listed`);
      },
    };
  }
}

function isFailure(problem: string | Unreadable): boolean {
  return problem instanceof Unreadable && !(problem.error instanceof Misplaced);
}
