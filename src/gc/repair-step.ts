import type { Finding } from "./finding.ts";
import type { ByteRepairs } from "./repair-bytes.ts";
import type { Repairable } from "./repairable.ts";

/** What would be done, in words, and the doing of it: null when it is done, else why not. */
export type Decision =
  | { readonly says: string; run(): Promise<string | null> }
  | { readonly cannot: string };

/** What decisions are made with. */
export interface Workshop {
  readonly what: Repairable;
  readonly bytes: ByteRepairs;
  /** All findings of the repository that is being repaired. */
  readonly findings: readonly Finding[];
}
