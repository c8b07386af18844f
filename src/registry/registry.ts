import type { Metadata } from "../metadata/metadata.ts";
import type { Storage } from "../storage/storage.ts";
import type { UploadLimits, UploadSessions } from "./upload-sessions.ts";

/** What the use cases work on. They know neither HTTP nor configuration files. */
export interface Registry {
  readonly metadata: Metadata;
  readonly storage: Storage;
  readonly uploads: UploadSessions;
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
  /** How many uploads may be unfinished. */
  readonly uploads?: UploadLimits;
}
