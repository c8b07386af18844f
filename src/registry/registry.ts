import type { Metadata } from "../metadata/metadata.ts";
import type { Storage } from "../storage/storage.ts";
import type { Custody } from "./custody.ts";
import type { Promises } from "./promises.ts";
import type { PullRule } from "./pull-rules.ts";
import type { PullTimes } from "./pull-times.ts";
import type { UploadLimits, UploadSessions } from "./upload-sessions.ts";

/** What the use cases work on. They know neither HTTP nor configuration files. */
export interface Registry {
  readonly metadata: Metadata;
  readonly storage: Storage;
  readonly uploads: UploadSessions;
  readonly custody: Custody;
  readonly promises: Promises;
  readonly pulls: PullTimes;
  readonly rules: Rules;
  /** UTC milliseconds. */
  readonly now: () => number;
}

export interface Rules {
  /** Whether tags, manifests and blobs can be deleted through the API. */
  readonly delete: boolean;
  /** Take manifests although parts of them are missing. */
  readonly sparse: boolean;
  /** Bytes. */
  readonly maxManifestSize: number;
  /** Nothing is written because somebody reads. */
  readonly readOnly?: boolean;
  /** Whose requests for a manifest are use of an image; unset: every GET. */
  readonly pulls?: PullRule;
  /** How long what somebody was told of is kept, in milliseconds; an hour unless something else is said. */
  readonly grace?: number;
  /** How many uploads may be unfinished. */
  readonly uploads?: UploadLimits;
}
