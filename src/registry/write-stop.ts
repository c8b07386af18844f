import { RegistryError } from "../oci/errors.ts";
import { FailedSync } from "../storage/failed-sync.ts";

/**
 * Whether changes are still taken. After a failed sync they are not, until the next start: what the
 * disk holds is in doubt then, and asking it again could make it lie. Reads go on.
 */
export class WriteStop {
  #cause: Error | null = null;

  /** `report` hears once, and why. */
  constructor(readonly report: (cause: Error) => void) {}

  /** Why no change is taken any more; null while they are. */
  get cause(): Error | null {
    return this.#cause;
  }

  /** Throws WRITES_STOPPED. */
  check(): void {
    if (this.#cause) throw new RegistryError("WRITES_STOPPED", {}, { cause: this.#cause });
  }

  /** Stops when an error means that a sync failed. */
  note(error: unknown): void {
    if (this.#cause || !isFailedSync(error)) return;
    this.#cause = error;
    this.report(error);
  }

  /** Does something that changes the disk, or throws WRITES_STOPPED. */
  async watch<T>(work: () => Promise<T>): Promise<T> {
    this.check();
    return await this.listen(work);
  }

  /** Does something that must be done in any case, and stops when it shows that a sync failed. */
  async listen<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.note(error);
      if (error instanceof FailedSync) this.check();
      throw error;
    }
  }
}

function isFailedSync(error: unknown): error is Error {
  if (error instanceof FailedSync) return error.final;
  return error instanceof RegistryError && error.kind === "WRITES_STOPPED";
}
