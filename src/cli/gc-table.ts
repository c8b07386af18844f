import type { GcRepositoryBytes, ManifestReason } from "../plan/gc-plan.ts";
import { table } from "./table.ts";
import { humanSize } from "./units.ts";

/** How a plan says why manifests go, after their number. */
export const WHY: Readonly<Record<ManifestReason, string>> = {
  untagged: "untagged",
  "index-goes": "of an index that goes",
  "subject-goes": "with a subject that goes",
  "subject-missing": "without their subject",
};

export const MANIFEST_REASONS = Object.keys(WHY) as ManifestReason[];

/** What goes of one repository. */
export interface GcRow {
  readonly repository: string;
  readonly manifests: number;
  readonly links: number;
  readonly bytes: GcRepositoryBytes;
  readonly why: readonly string[];
}

const COLUMNS = [
  { title: "REPOSITORY" },
  { title: "MANIFESTS", align: "right" },
  { title: "LAYER LINKS", align: "right" },
  { title: "FREED", align: "right" },
  { title: "SHARED", align: "right" },
  { title: "WHY" },
] as const;

/** A line for each repository of which something goes, below a title; nothing where there is none. Pure. */
export function gcTable(title: string, rows: readonly GcRow[]): string[] {
  if (rows.length === 0) return [];
  const cells = rows.map(({ repository, manifests, links, bytes, why }) => [
    repository,
    String(manifests),
    String(links),
    humanSize(bytes.freed),
    humanSize(bytes.shared),
    why.join(", "),
  ]);
  return [title, ...table(COLUMNS, cells).map((line) => `  ${line}`)];
}
