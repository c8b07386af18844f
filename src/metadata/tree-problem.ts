/** Something in a tree that is not as it should be. What it touches stays as it is; the rest is read. */
export interface TreeProblem {
  readonly repository: string;
  /** Inside the data folder. */
  readonly path: string;
  readonly problem: string;
}

export type Report = (problem: TreeProblem) => void;

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
