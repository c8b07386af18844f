import type { Digest } from "../oci/digest.ts";
import type { Damage, Mention } from "./records.ts";
import { Misplaced, type Remark, Unreadable } from "./tree-problem.ts";

/** How many are remembered of each repository: people read them. */
const REMEMBERED = 5;

/** Where to go with what comes to light while a repository is read. */
export interface Notes {
  readonly remark: Remark;
  /**
   * The repository names this digest somewhere, and the metadata will not say so. `manifest`: there; null:
   * in something that could not be read.
   */
  mention(digest: Digest, manifest?: Digest | null): void;
}

/**
 * What of one repository could not be read or understood, in a way that may hide what it needs. As long
 * as there is anything, all of the repository is kept (`unreadable` of a snapshot).
 */
export class Doubts implements Notes {
  /** Something may name blobs, and nobody knows which. */
  hides = false;
  readonly #all: Damage[] = [];
  readonly #mentions = new Map<string, Mention>();

  constructor(readonly heard: Remark) {}

  readonly remark: Remark = (path, problem, hides = hiddenBy(problem)) => {
    this.heard(path, problem, hides);
    if (hides === "nothing") return;
    if (hides === "blobs") this.hides = true;
    // In an order of their own: those that are read at the same time come in any.
    this.#all.push({ path, problem: String(problem) });
    this.#all.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    if (this.#all.length > REMEMBERED) this.#all.pop();
  };

  mention(digest: Digest, manifest: Digest | null = null): void {
    this.#mentions.set(`${digest} ${manifest}`, { digest, manifest });
  }

  get damages(): readonly Damage[] {
    return this.#all;
  }

  get mentions(): readonly Mention[] {
    return [...this.#mentions.values()];
  }
}

function hiddenBy(problem: string | Unreadable): "nothing" | "something" | "blobs" {
  if (!(problem instanceof Unreadable)) return "nothing";
  return problem.error instanceof Misplaced ? "something" : "blobs";
}
