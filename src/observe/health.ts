/** One thing that must work for requests to be served. Throws when it does not. */
export interface Check {
  readonly name: string;
  run(): Promise<void>;
}

/** A failure that no later success takes back: after a failed sync nobody knows what the disk holds. */
export class Lasting extends Error {
  override readonly name = "Lasting";
}

/** A failure that stops some requests, and not those that matter most: pulls go on. */
export class Impaired extends Error {
  override readonly name = "Impaired";
}

/** What one check found. */
export interface Finding {
  readonly check: string;
  /** Null: it works. A code or a few fixed words, with nothing in it that a stranger should not read. */
  readonly reason: string | null;
  readonly impaired: boolean;
  /** How long it took. */
  readonly ms: number;
  /** UTC milliseconds. */
  readonly at: number;
}

export interface Readiness {
  /** `degraded`: pulls work, something else does not. */
  readonly status: "ok" | "degraded" | "unavailable";
  readonly findings: readonly Finding[];
}

export interface HealthOptions {
  /** However often it is asked, the checks run at most once in so many milliseconds. */
  readonly interval?: number;
  /** A check that takes longer than this has failed, and is not begun again before it ends. */
  readonly patience?: number;
  /** Hears of a check that begins to fail, or works again. */
  readonly changed?: (finding: Finding, error: unknown) => void;
}

const INTERVAL_MS = 5000;
const PATIENCE_MS = 10_000;

/** Whether the registry lives, has started and can serve. */
export class Health {
  readonly #checks: Check[] = [];
  readonly #options: HealthOptions;
  /** What is known of each check, by its name. */
  readonly #findings = new Map<string, Finding>();
  readonly #lasting = new Set<string>();
  /** Checks that have not come back. */
  readonly #hanging = new Set<string>();
  #round: Promise<Readiness> | null = null;
  #roundAt = Number.NEGATIVE_INFINITY;
  #phase: "starting" | "started" | "stopping" = "starting";

  constructor(options: HealthOptions = {}) {
    this.#options = options;
  }

  /** Whether it was ever ready to be asked. */
  get started(): boolean {
    return this.#phase !== "starting";
  }

  /** Whether it was told to stop. */
  get stopping(): boolean {
    return this.#phase === "stopping";
  }

  /** From now on `ready` means these checks. */
  start(checks: readonly Check[]): void {
    this.#checks.push(...checks);
    this.#phase = "started";
  }

  /** From now on it is not ready: whoever spreads requests shall look for another. */
  stop(): void {
    this.#phase = "stopping";
  }

  /** All who ask within the interval share one round of checks. Never rejects. */
  async ready(): Promise<Readiness> {
    if (this.#phase !== "started") return unready(this.#phase);
    const age = performance.now() - this.#roundAt;
    if (this.#round && age < (this.#options.interval ?? INTERVAL_MS)) return await this.#round;
    this.#roundAt = performance.now();
    this.#round = Promise.all(this.#checks.map(async (check) => await this.#look(check))).then(
      summary,
    );
    return await this.#round;
  }

  async #look(check: Check): Promise<Finding> {
    const before = this.#findings.get(check.name);
    if (before && (this.#lasting.has(check.name) || this.#hanging.has(check.name))) return before;
    const { finding, error } = await this.#run(check);
    this.#findings.set(check.name, finding);
    if ((before?.reason ?? null) !== finding.reason) this.#options.changed?.(finding, error);
    return finding;
  }

  async #run(check: Check): Promise<{ finding: Finding; error: unknown }> {
    const began = performance.now();
    const found = (reason: string | null, error: unknown) => {
      const ms = performance.now() - began;
      const impaired = error instanceof Impaired;
      return { finding: { check: check.name, reason, impaired, ms, at: Date.now() }, error };
    };
    this.#hanging.add(check.name);
    const running = check
      .run()
      .then(
        () => found(null, null),
        (error: unknown) => {
          if (error instanceof Lasting) this.#lasting.add(check.name);
          return found(reasonOf(error), error);
        },
      )
      .finally(() => this.#hanging.delete(check.name));
    const patience = this.#options.patience ?? PATIENCE_MS;
    const late = Promise.withResolvers<Awaited<typeof running>>();
    const timer = setTimeout(
      () => late.resolve(found(`no answer in ${patience} ms`, null)),
      patience,
    );
    try {
      return await Promise.race([running, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function unready(phase: "starting" | "stopping"): Readiness {
  const finding = { check: "process", reason: phase, impaired: false, ms: 0, at: Date.now() };
  return { status: "unavailable", findings: [finding] };
}

function summary(findings: readonly Finding[]): Readiness {
  const failed = findings.filter(({ reason }) => reason !== null);
  const status =
    failed.length === 0
      ? "ok"
      : failed.every(({ impaired }) => impaired)
        ? "degraded"
        : "unavailable";
  return { status, findings };
}

/** The code of the error or of what caused it: messages have paths in them, codes have not. */
function reasonOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") {
      return at instanceof Lasting || error instanceof Lasting
        ? `${at.code}, until a restart`
        : at.code;
    }
  }
  return error instanceof Lasting ? "failed, until a restart" : "failed";
}
