import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { REPAIRS } from "../storage/tree.ts";
import { type CheckOptions, checkRegistry, lookAt } from "./check.ts";
import { type Checked, type Finding, keyOf } from "./finding.ts";
import { aliveIn } from "./repair-alive.ts";
import { ByteRepairs } from "./repair-bytes.ts";
import { decide } from "./repair-decide.ts";
import { type Action, type Remedy, hopeless, planRepairs } from "./repair-plan.ts";
import type { RepairSource } from "./repair-source.ts";
import type { Repairable } from "./repairable.ts";

export interface RepairOptions extends CheckOptions {
  /** Only look and say what would be done. */
  readonly dryRun: boolean;
  readonly source: RepairSource | null;
}

/** One step of a repair. `planned`: it would be done; `failed`: `says` has the reason. */
export interface Step {
  readonly remedy: Remedy;
  readonly result: "planned" | "done" | "failed";
  readonly repository: RepositoryName | null;
  readonly images: readonly string[];
  readonly digest: Digest | null;
  readonly path: string | null;
  /** What was wrong. */
  readonly problem: string;
  /** What is done about it, and from where. */
  readonly says: string;
}

/** What is still wrong afterwards, and why. */
export interface Left extends Finding {
  readonly why: string;
}

export interface Repaired {
  readonly found: number;
  readonly steps: number;
  readonly failed: number;
  readonly left: number;
  readonly checked: Checked;
}

/** What comes out of a repair, in order; `done` once, at the end. */
export type RepairEvent =
  | { readonly step: Step }
  | { readonly left: Left }
  | { readonly progress: Checked }
  | { readonly done: Repaired };

/** What is put right may show what else is lost: a manifest its layers, an index its children. */
const ROUNDS = 12;

/**
 * Checks, and repairs what can be repaired without guessing.
 *
 * Repository by repository, in rounds, until a look finds nothing that a further step would help. Each
 * step is whole by itself, and finds again what it needs: a repair that is cut off anywhere is begun
 * anew, and comes to the same end. Nothing that is right is removed; damaged bytes go to the trash when
 * right ones take their place, or when nothing needs them.
 *
 * A dry run says what the first round would do, and changes nothing.
 */
export async function* repairRegistry(
  what: Repairable,
  options: RepairOptions,
): AsyncGenerator<RepairEvent> {
  const bytes = new ByteRepairs(what, options.source);
  const byRepository = new Map<RepositoryName | null, Finding[]>();
  let checked: Checked | null = null;
  let found = 0;
  for await (const event of checkRegistry(what, options)) {
    if ("finding" in event) {
      const { repository } = event.finding;
      byRepository.set(repository, [...(byRepository.get(repository) ?? []), event.finding]);
      found++;
    } else if ("progress" in event) yield event;
    else checked = event.done;
  }
  if (!checked) throw new Error("the check has no end");
  const counts = { steps: 0, failed: 0, left: 0 };
  const damaged = new Set<Digest>();
  for (const findings of byRepository.values()) {
    for (const { cause, digest } of findings) {
      if (cause === "bytes" && digest && (await isWrong(digest, bytes))) damaged.add(digest);
    }
  }
  for (const [name, findings] of byRepository) {
    for await (const event of repairOne(name, findings)) {
      if ("step" in event) {
        counts.steps++;
        if (event.step.result === "failed") counts.failed++;
      } else if ("left" in event) counts.left++;
      yield event;
    }
    yield { progress: checked };
  }
  if (!options.dryRun) await what.storage.delete(REPAIRS);
  yield { done: { found, ...counts, checked } };

  /** `name` null: what belongs to no repository. */
  async function* repairOne(
    name: RepositoryName | null,
    first: readonly Finding[],
  ): AsyncGenerator<RepairEvent> {
    const reasons = new Map<string, string>();
    let findings = first;
    for (let round = 0; round < ROUNDS && findings.length > 0; round++) {
      let done = 0;
      const alive =
        name !== null && what.state === "stopped" ? await aliveIn(name, findings, what) : NOTHING;
      for (const action of planRepairs(findings, what.state, alive)) {
        const step = await act(action, findings);
        // The same step fails for the same reason in every round.
        if (step.result === "failed" && reasons.has(keyOf(action.finding))) continue;
        if (step.result === "failed") reasons.set(keyOf(action.finding), step.says);
        else done++;
        yield { step };
      }
      if (options.dryRun) {
        for (const finding of findings) {
          const why =
            reasons.get(keyOf(finding)) ?? (isHopeless(finding) ? hopeless(finding) : null);
          if (why !== null) yield { left: { ...finding, why } };
        }
        return;
      }
      await what.settle();
      findings = name === null ? await stillWrong(findings, reasons) : await look(name);
      if (done === 0) break;
    }
    for (const finding of findings) {
      yield { left: { ...finding, why: reasons.get(keyOf(finding)) ?? hopeless(finding) } };
    }
  }

  async function act(action: Action, findings: readonly Finding[]): Promise<Step> {
    const { remedy, repository, digest, finding } = action;
    const { images, path, problem } = finding;
    const step = { remedy, repository, images, digest, path, problem };
    try {
      const decision = await decide(action, { what, bytes, findings });
      if ("cannot" in decision) return { ...step, result: "failed", says: decision.cannot };
      const { says } = decision;
      if (options.dryRun) return { ...step, result: "planned", says };
      const why = digest
        ? await what.coming(digest, async () => await decision.run())
        : await decision.run();
      if (why !== null) return { ...step, result: "failed", says: why };
      if (digest) damaged.delete(digest);
      return { ...step, result: "done", says };
    } catch (error) {
      // What stops every change is not a matter of this one.
      if (error instanceof RegistryError && error.kind === "WRITES_STOPPED") throw error;
      return { ...step, result: "failed", says: (error as Error).message };
    }
  }

  /** Of a registry that serves only what two looks find: the first may see a change of a client by half. */
  async function look(name: RepositoryName): Promise<Finding[]> {
    const { sparse } = options;
    const settings = { sparse, damaged, ignoreTree: false };
    const first = await lookAt(name, what, settings, null);
    if (first.length === 0 || what.state !== "serving") return first;
    await what.settle();
    const keys = new Set(first.map(keyOf));
    const second = await lookAt(name, what, settings, null);
    return second.filter((finding) => keys.has(keyOf(finding)));
  }

  /** Of what no repository has: damaged bytes that are gone by now, and repositories that were taken up. */
  async function stillWrong(
    findings: readonly Finding[],
    reasons: ReadonlyMap<string, string>,
  ): Promise<Finding[]> {
    const left: Finding[] = [];
    for (const finding of findings) {
      const { cause, digest, path } = finding;
      // What stands in the way of that is told as the reason of its step.
      if (cause === "trash-row" || cause === "trash-file") {
        if (reasons.has(keyOf(finding))) left.push(finding);
        continue;
      }
      const isGone =
        cause === "bytes" && digest
          ? !(await isWrong(digest, bytes))
          : cause === "stranger" && path !== null && (await isTaken(path, what));
      if (!isGone) left.push(finding);
    }
    return left;
  }
}

const NOTHING: ReadonlySet<Digest> = new Set();

function isHopeless({ cause }: Finding): boolean {
  return cause === "medium" || cause === "other";
}

/** False also when it cannot be read: that shows where it is looked at. */
async function isWrong(digest: Digest, bytes: ByteRepairs): Promise<boolean> {
  try {
    return (await bytes.state(digest)) === "wrong";
  } catch {
    return false;
  }
}

async function isTaken(path: string, what: Repairable): Promise<boolean> {
  const finding = { cause: "stranger", path, repository: null, digest: null } as const;
  const [action] = planRepairs(
    [{ ...finding, kind: "tree", images: [], problem: "" }],
    what.state,
    NOTHING,
  );
  return !!action?.repository && (await what.metadata.hasRepository(action.repository));
}
