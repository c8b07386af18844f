import type { BlobTableMemory } from "../inventory/blob-table.ts";
import type { Findings, KnownBlobs } from "../inventory/from-tree.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { LookPart, TreePolicy } from "./look-part.ts";

/** What the second thread of a look is asked for; lists are shared with the first (`SharedList`). */
export interface LookRequest {
  readonly blobs: {
    readonly root: string;
    readonly items: readonly string[];
    readonly memory: SharedArrayBuffer;
  };
  readonly repositories: {
    readonly root: string;
    readonly items: readonly RepositoryName[];
    readonly memory: SharedArrayBuffer;
    readonly known: KnownBlobs;
    readonly policy: TreePolicy;
    readonly findMissing: boolean;
  };
}

export interface LookAnswer {
  readonly blobs: { readonly table: BlobTableMemory; readonly findings: Findings };
  readonly repositories: { readonly part: LookPart; readonly findings: Findings };
}

/** One kind of request, with its name. */
export type LookMessage = {
  readonly [Kind in keyof LookRequest]: {
    readonly kind: Kind;
    readonly request: LookRequest[Kind];
  };
}[keyof LookRequest];
