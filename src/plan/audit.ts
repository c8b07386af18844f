import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import type { RuleName } from "../retention/verdict.ts";
import type { PlannedAction, PlannedRegistry } from "./prune-plan.ts";
import { writeWhole } from "./write-whole.ts";
import type { ActionOutcome } from "./prune-result.ts";

/** One removal that was tried, or one that was taken back: what, where, why, and what became of it. */
export interface AuditRecord {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly registry: string;
  readonly place: string;
  readonly repository: RepositoryName;
  readonly action: PlannedAction["action"];
  /** The tags that go, of a manifest there may be none; or the one that is put back. */
  readonly tags: readonly Tag[];
  readonly digest: Digest;
  readonly policy: string | null;
  readonly rule: RuleName | null;
  readonly reason: string;
  readonly plan: string;
  readonly result: ActionOutcome;
  /** Why it was not done. */
  readonly error: string | null;
}

/** Where removals are written down. */
export interface Audit {
  /** Returns when the system has it. Throws AUDIT_FAILED. */
  record(record: AuditRecord): void;
  /** Returns when the disk has all that was recorded. Throws AUDIT_FAILED. */
  settle(): void;
  close(): void;
}

/**
 * Appends a JSON line for each removal to a file, which nobody else may read: names tell something. Throws
 * AUDIT_FAILED when it cannot be opened: what cannot be written down is not done.
 */
export function openAudit(path: string): Audit {
  const file = trying(path, () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, "a", 0o600);
  });
  let unsettled = false;
  return {
    record(record) {
      const line = `${JSON.stringify(record)}\n`;
      // A line is small, and so one write: those of several processes do not mix.
      trying(path, () => writeWhole(file, line));
      unsettled = true;
    },
    settle() {
      if (unsettled) trying(path, () => fsyncSync(file));
      unsettled = false;
    },
    close: () => closeSync(file),
  };
}

function trying<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new RegistryError("AUDIT_FAILED", { reason: `${path}: ${code ?? message}` });
  }
}

/** The parts of a record that a plan has. Pure. */
export function auditBasis(
  registry: PlannedRegistry,
  plan: string,
  repository: RepositoryName,
  policy: string | null,
  action: PlannedAction,
): Omit<AuditRecord, "time" | "result" | "error"> {
  return {
    registry: registry.name,
    place: registry.place,
    repository,
    action: action.action,
    tags: action.action === "delete-manifest" ? action.tags : [action.tag],
    digest: action.digest,
    policy,
    rule: action.rule,
    reason: action.reason,
    plan,
  };
}
