/** One way of saying no; `error-table.ts` says what each means. */
export interface ErrorEntry {
  readonly code: string;
  readonly status: number;
  readonly exit: number;
  readonly message: string;
  readonly remedy: string;
}
