import type { ErrorKind } from "../oci/error-table.ts";
import type { RegistryError } from "../oci/errors.ts";

/**
 * Whether an answer is what the registry would say about everything: it cannot be reached, has no time, or
 * takes no deletes. Others are about one thing: a tag that is held, a right that is missing. Pure.
 */
export function isAboutAll({ kind, detail }: RegistryError): boolean {
  const status = typeof detail["status"] === "number" ? detail["status"] : null;
  if (kind === "REMOTE") return status === null || status >= 500 || status === 429;
  if (kind === "REFUSED") return status === 405;
  return EVERYWHERE.has(kind);
}

const EVERYWHERE: ReadonlySet<ErrorKind> = new Set([
  "UNAVAILABLE",
  "TOO_MANY_REQUESTS",
  "DELETE_DISABLED",
  "READ_ONLY",
]);

/** So many of them one after the other, and the registry is not asked for the rest. */
const MOST = 8;

/**
 * When to leave a registry alone that has gone, or takes no deletes: each further question would only take
 * its retries. What is about one repository, such as a missing right, says nothing of the others.
 */
export class GivingUp {
  #inARow = 0;
  #last: RegistryError | null = null;

  answered(): void {
    this.#inARow = 0;
  }

  failed(error: RegistryError): void {
    this.#inARow = isAboutAll(error) ? this.#inARow + 1 : 0;
    this.#last = error;
  }

  /** The error after which nothing more is asked; null: go on. */
  get because(): RegistryError | null {
    return this.#inARow >= MOST ? this.#last : null;
  }
}
