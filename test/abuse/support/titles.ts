/** `path: title` of tests in one file, as `coverage.test.ts` looks them up. */
export const at = (file: string, ...titles: string[]): string[] =>
  titles.map((title) => `test/${file}.test.ts: ${title}`);
export const smuggling = (...titles: string[]) => at("protocol/smuggling", ...titles);
export const badInput = (...titles: string[]) => at("protocol/bad-input", ...titles);
export const chunks = (...titles: string[]) => at("protocol/chunks", ...titles);
export const refusals = (...titles: string[]) => at("protocol/manifest-refusals", ...titles);
export const odd = (...titles: string[]) => at("abuse/odd-requests", ...titles);
export const slow = (...titles: string[]) => at("abuse/slow-clients", ...titles);

/** What was tried, and where. */
export type Inputs = Readonly<
  Record<number, { readonly input: string; readonly tests: readonly string[] }>
>;
