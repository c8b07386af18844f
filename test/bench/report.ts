/** Turns measured rounds into the figures, the ratio and the verdict of each row. */
import type { Machine } from "./machine.ts";
import type { Line, Target } from "./row.ts";

/** One row in all rounds; a round that failed is missing on that side. */
export interface Measured {
  readonly row: Line;
  readonly ours: (number | undefined)[];
  readonly theirs: (number | undefined)[];
  readonly failures: string[];
}

export interface Verdict {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly target: Target;
  /** Medians over the rounds. */
  readonly ours: number | undefined;
  readonly theirs: number | undefined;
  /** Ours by theirs: the median of the rounds' ratios, as neighbours in time share the machine's moods. */
  readonly ratio: number | undefined;
  /** Undefined when the row could not be measured; without a target what is measured is met. */
  readonly met: boolean | undefined;
  readonly rounds: {
    readonly ours: readonly (number | undefined)[];
    readonly theirs: readonly (number | undefined)[];
  };
  readonly failures: readonly string[];
}

export function judge({ row, ours, theirs, failures }: Measured): Verdict {
  const ratios = ours.map((figure, round) => {
    const other = theirs[round];
    return figure === undefined || other === undefined ? undefined : figure / other;
  });
  const { name, title, unit, target } = row;
  const ratio = median(ratios);
  const figure = median(ours);
  return {
    name,
    title,
    unit,
    target,
    ours: figure,
    theirs: median(theirs),
    ratio,
    met: meets(target, figure, ratio),
    rounds: { ours, theirs },
    failures,
  };
}

function meets(
  target: Target,
  figure: number | undefined,
  ratio: number | undefined,
): boolean | undefined {
  if ("below" in target) return figure === undefined ? undefined : figure < target.below;
  if ("none" in target) return ratio === undefined ? undefined : true;
  if (ratio === undefined) return undefined;
  return "atLeast" in target ? ratio >= target.atLeast : ratio <= target.atMost;
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).toSorted((a, b) => a - b);
  const [low, high] = [known[(known.length - 1) >> 1], known[known.length >> 1]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

export function table(verdicts: readonly Verdict[]): string {
  const lines = [
    ["row", "", "wharf", "registry", "", "ratio", "target", ""],
    ...verdicts.map((verdict) => [
      verdict.name,
      verdict.title,
      figureText(verdict.ours),
      figureText(verdict.theirs),
      verdict.unit,
      "below" in verdict.target ? "" : figureText(verdict.ratio),
      targetText(verdict),
      judgement(verdict),
    ]),
  ];
  const widths = lines[0]?.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const numbers = new Set([2, 3, 5]);
  return lines
    .map((line) =>
      line
        .map((cell, i) =>
          numbers.has(i) ? cell.padStart(widths?.[i] ?? 0) : cell.padEnd(widths?.[i] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function judgement({ met, target }: Verdict): string {
  if (met === undefined) return "not measured";
  if ("none" in target) return "";
  return met ? "met" : "missed";
}

function figureText(value: number | undefined): string {
  if (value === undefined) return "–";
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}

function targetText({ target, unit }: Verdict): string {
  if ("below" in target) return `< ${target.below} ${unit}`;
  if ("none" in target) return "";
  return "atLeast" in target ? `≥ ${target.atLeast}×` : `≤ ${target.atMost}×`;
}

export function document(machine: Machine, rounds: number, verdicts: readonly Verdict[]): string {
  return `${JSON.stringify({ version: 1, machine, rounds, rows: verdicts }, undefined, 2)}\n`;
}
