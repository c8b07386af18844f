import { ERRORS } from "../oci/error-table.ts";
import { RegistryError } from "../oci/errors.ts";
import type { MadePlan } from "../plan/prune-planner.ts";
import type { PruneResult } from "../plan/prune-result.ts";
import { printable } from "../client/http/printable.ts";
import type { Terminal } from "./terminal.ts";
import { counted } from "./units.ts";

interface Failed {
  readonly registry: string;
  readonly reason: string;
}

/** Gathers how it ended at each registry, and makes one exit code of it. */
export class Endings {
  readonly failed: Failed[] = [];
  readonly #errors: RegistryError[] = [];
  #well = 0;
  #partial = 0;
  #refused = 0;

  /** `several`: a registry that fails does not keep the others from being done. */
  constructor(
    readonly terminal: Pick<Terminal, "note">,
    readonly several: boolean,
  ) {}

  /** Null: it failed, which was said. Throws what is nobody's failure but the command's own. */
  async of<T>(registry: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      const own =
        !(error instanceof RegistryError) || ["USAGE", "AUDIT_FAILED"].includes(error.kind);
      if (own || !this.several) throw error;
      this.failed.push({ registry, reason: error.message });
      this.#errors.push(error);
      this.terminal.note(`${registry}: ${printable(error.message)}`);
      return null;
    }
  }

  plan({ failures, refused }: MadePlan): void {
    this.#well++;
    this.#partial += failures;
    this.#refused += refused;
  }

  result({ totals: { repositories } }: PruneResult): void {
    const { failed, refused, drifted } = repositories;
    this.#partial += failed;
    this.#refused += refused + drifted;
  }

  /** Throws what makes the exit code when not everything went well. */
  end(): void {
    const [first, ...others] = this.#errors;
    if (first && this.#well === 0) {
      const alike = others.every(({ kind }) => ERRORS[kind].exit === ERRORS[first.kind].exit);
      throw others.length === 0 || alike
        ? first
        : new RegistryError("REMOTE", reasonOf(this.failed));
    }
    const broken = this.#partial + this.#errors.length;
    if (broken > 0) {
      const parts = [
        ...(this.#errors.length > 0 ? [counted(this.#errors.length, "registry")] : []),
        ...(this.#partial > 0 ? [counted(this.#partial, "repository")] : []),
      ];
      throw new RegistryError("PARTIAL", { reason: `${parts.join(" and ")} could not be done` });
    }
    if (this.#refused === 0) return;
    const reason = `${counted(this.#refused, "repository")} kept as ${this.#refused === 1 ? "it is" : "they are"}`;
    throw new RegistryError("PLAN_REFUSED", { reason });
  }
}

function reasonOf(failed: readonly Failed[]): { reason: string } {
  return { reason: `none of ${failed.length} registries could be read` };
}
