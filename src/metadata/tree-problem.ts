/** Something in a tree that is not as it should be. What it touches stays as it is; the rest is read. */
export interface TreeProblem {
  readonly repository: string;
  /** Inside the data folder. */
  readonly path: string;
  readonly problem: string;
}

/** What came to light while a tree was read. */
export class Findings {
  readonly problems: TreeProblem[] = [];
  /** Repositories, or folders with all that is below them, that could not be read. */
  readonly unread: string[] = [];

  add(repository: string, path: string, problem: string): void {
    this.problems.push({ repository, path, problem });
  }

  /** The medium failed: what is there is not known. */
  addUnread(repository: string, path: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.add(repository, path, `it cannot be read; what is known of it stays (${message})`);
    this.unread.push(repository);
  }
}
