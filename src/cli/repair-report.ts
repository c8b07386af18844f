import type { Left, RepairEvent, Repaired, Step } from "../gc/repair.ts";
import { jsonDocument } from "./json.ts";
import { table } from "./table.ts";
import { counted, shortDigest } from "./units.ts";

/** What a repair came to, or would, for people and for programs. */
export class RepairReport {
  readonly #steps: Step[] = [];
  readonly #left: Left[] = [];
  #end: Repaired | null = null;

  constructor(
    readonly source: string,
    readonly dryRun: boolean,
  ) {}

  add(event: RepairEvent): void {
    if ("step" in event) this.#steps.push(event.step);
    else if ("left" in event) this.#left.push(event.left);
    else if ("done" in event) this.#end = event.done;
  }

  get found(): number {
    return this.#end?.found ?? 0;
  }

  get left(): number {
    return this.#left.length;
  }

  get done(): number {
    return this.#of("done").length;
  }

  get planned(): number {
    return this.#of("planned").length;
  }

  /** What is done, and what stays broken, a table for each. */
  lines(): string[] {
    const steps = this.#of(this.dryRun ? "planned" : "done");
    const what = this.dryRun ? "Would be repaired:" : "Repaired:";
    return [
      ...section(
        what,
        "REPAIR",
        steps.map((step) => ({ ...step, says: step.says })),
      ),
      ...section(
        this.dryRun ? "Would stay as it is:" : "Stays as it is:",
        "WHY",
        this.#left.map((left) => ({ ...left, says: left.why })),
      ),
    ];
  }

  /** `Do these 3 repairs? [y/N] ` */
  question(): string {
    return `Do ${this.planned === 1 ? "this" : "these"} ${counted(this.planned, "repair")}? [y/N] `;
  }

  counts(): string {
    const left = new Set(this.#left.flatMap(({ images }) => images));
    const parts = [
      this.dryRun
        ? `${counted(this.planned, "repair")} can be done`
        : `${counted(this.done, "repair")} done`,
      `${counted(this.left, "finding")} ${this.dryRun ? "would stay" : "left"}`,
      left.size > 0 && counted(left.size, "broken image"),
    ];
    return parts.filter(Boolean).join(", ");
  }

  summary(): string {
    return this.found === 0 ? "no damage was found" : this.counts();
  }

  json(): string {
    return jsonDocument({
      source: this.source,
      dryRun: this.dryRun,
      clean: this.dryRun ? this.found === 0 : this.left === 0,
      checked: this.#end?.checked ?? null,
      steps: this.#steps,
      left: this.#left.map(({ kind, cause, repository, images, digest, path, problem, why }) => {
        return { kind, cause, repository, images, digest, path, problem, why };
      }),
    });
  }

  #of(result: Step["result"]): Step[] {
    return this.#steps.filter((step) => step.result === result);
  }
}

type Told = Pick<Step, "images" | "repository" | "path" | "digest" | "problem" | "says">;

function section(title: string, last: string, told: readonly Told[]): string[] {
  if (told.length === 0) return [];
  const columns = ["WHERE", "DIGEST", "PROBLEM", last].map((name) => ({ title: name }));
  return [title, ...table(columns, told.flatMap(rows)).map((line) => `  ${line}`)];
}

/** A row for each image: whoever looks for one must find it. */
function rows({ images, repository, path, digest, problem, says }: Told): string[][] {
  const where = images.length > 0 ? images : [repository ?? path ?? "-"];
  return where.map((one) => [one, digest === null ? "-" : shortDigest(digest), problem, says]);
}
