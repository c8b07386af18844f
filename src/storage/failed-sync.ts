/**
 * A sync that the disk refused. The system may have dropped the bytes that it should have written and
 * count them as clean from now on: the next sync of the same file would succeed without them. So it is
 * never asked again, and what it was about is in doubt.
 */
export class FailedSync extends Error {
  override readonly name = "FailedSync";
  readonly code: string | undefined;

  constructor(cause: unknown) {
    const { message, code } = cause as { message?: string; code?: unknown };
    super(`a sync failed: ${message ?? String(cause)}`, { cause });
    this.code = typeof code === "string" ? code : undefined;
  }

  /**
   * Whether nothing on this disk can be trusted any more. A disk without room says so before it takes
   * anything; only what it refused is lost then.
   */
  get final(): boolean {
    return this.code !== "ENOSPC" && this.code !== "EDQUOT";
  }
}

/** Passes on what a sync throws, as a FailedSync. */
export function refused(error: unknown): never {
  throw error instanceof FailedSync ? error : new FailedSync(error);
}
