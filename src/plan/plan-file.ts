import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs";
import { RegistryError } from "../oci/errors.ts";
import { isRecord } from "../oci/json.ts";
import { writeWhole } from "./write-whole.ts";
import { planId } from "./plan-id.ts";
import { planSchema } from "./plan-schema.ts";
import type { PrunePlan } from "./prune-plan.ts";

/** From then on a plan is called old. */
const OLD_MS = 24 * 3_600_000;

/** So much is written at once, in characters. */
const CHUNK = 1024 * 1024;

/**
 * Saves a plan, a line for each repository, and returns its id. Whole or not at all; another plan in its
 * place is replaced, anything else is not. Throws PLAN_INVALID.
 */
export function savePlan(path: string, plan: PrunePlan): string {
  refuseOther(path);
  const id = planId(plan);
  const { repositories, ...head } = plan;
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(unfinished, "w", 0o600);
    try {
      let waiting = `${JSON.stringify({ ...head, id }).slice(0, -1)},"repositories":[`;
      for (const [at, one] of repositories.entries()) {
        waiting += `${at === 0 ? "" : ","}\n${JSON.stringify(one)}`;
        if (waiting.length < CHUNK) continue;
        writeWhole(file, waiting);
        waiting = "";
      }
      writeWhole(file, `${waiting}\n]}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    throw new RegistryError("PLAN_INVALID", { reason: `${path}: ${code ?? message}` });
  }
  return id;
}

/** `--out` with the name of something else must not cost that. */
function refuseOther(path: string): void {
  const beginning = Buffer.alloc(300);
  let length: number;
  try {
    const file = openSync(path, "r");
    try {
      length = readSync(file, beginning);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw invalid(path, (error as NodeJS.ErrnoException).code ?? "it cannot be read");
  }
  const text = beginning.toString("utf8", 0, length);
  if (length > 0 && !/"kind":\s*"prune"/.test(text)) {
    throw invalid(path, "there is another file of this name, and it is no plan");
  }
}

/** Loads a plan as it was saved. Throws PLAN_INVALID for all that is not exactly that. */
export function loadPlan(path: string): { readonly plan: PrunePlan; readonly id: string } {
  const document = parse(path, readText(path));
  if (!isRecord(document) || document["kind"] !== "prune") {
    const result = isRecord(document) && document["kind"] === "prune-result";
    throw invalid(path, result ? "it is what became of a plan, not the plan" : "it is no plan");
  }
  const { id, ...raw } = document;
  if (raw["schemaVersion"] !== 1) {
    const version = JSON.stringify(raw["schemaVersion"]);
    throw invalid(path, `it has version ${version}, and this Wharfinger knows version 1 only`);
  }
  const parsed = planSchema.safeParse(raw);
  if (!parsed.success) {
    const [issue, ...others] = parsed.error.issues;
    const where = issue?.path.join(".") || "the document";
    const more = others.length > 0 ? `, and ${others.length} more` : "";
    throw invalid(path, `${where}: ${issue?.message}${more}`);
  }
  // Of what stands there, in its order, and not of what was understood.
  if (planId(raw as unknown as PrunePlan) !== id) {
    throw invalid(
      path,
      "it was changed after it was made; `wharf apply --repository GLOB` carries out a part of a plan",
    );
  }
  return { plan: parsed.data, id };
}

/** What should be said about a plan's age; null: nothing. Pure. */
export function ageRemark({ createdAt }: Pick<PrunePlan, "createdAt">, now: number): string | null {
  const age = now - createdAt;
  if (age < -60_000) return "the plan was made in the future, by this machine's clock";
  if (age < OLD_MS) return null;
  const days = Math.floor(age / OLD_MS);
  return `the plan is ${days} ${days === 1 ? "day" : "days"} old: tags that were pulled or came into use since then are not seen`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw invalid(path, `it cannot be read (${code ?? message})`);
  }
}

function parse(path: string, text: string): unknown {
  if (text.trim() === "") throw invalid(path, "it is empty");
  try {
    return JSON.parse(text);
  } catch (error) {
    const whole = text.trimEnd().endsWith("}");
    const why = whole
      ? `it is not JSON (${(error as Error).message})`
      : "it ends too early: it was cut off";
    throw invalid(path, why);
  }
}

function invalid(path: string, reason: string): RegistryError {
  return new RegistryError("PLAN_INVALID", { reason: `${path}: ${reason}` });
}
