import type { Config } from "../../config/schema.ts";
import type { TagTimes } from "../../inventory/api/tag-times.ts";
import type { PruneTarget } from "../prune-target.ts";

/** One entry of `registries:`. */
export type RegistrySettings = Config["registries"][number];

/** What a registry needs of the process that opens it. */
export interface TargetContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * The folder of what is remembered between runs (first and last times of tags, facts); null: there is
   * none, and a cache goes where the user's caches are.
   */
  readonly state: string | null;
  /**
   * What is remembered of the times of a registry (by its name) that does not tell them itself; not there:
   * nothing, and its tags were pushed nobody knows when.
   */
  readonly times?: ((registry: string) => TagTimes) | undefined;
  /** Whether somebody wants to know when images were built; not there: perhaps. */
  readonly created?: boolean | undefined;
  readonly now: () => number;
  /** Says something that a person should hear, once. */
  readonly warn: (line: string) => void;
}

/** How a kind of registry is opened. Null: the registry at this address is not of this kind. */
export type Opener = (
  settings: RegistrySettings,
  context: TargetContext,
) => Promise<PruneTarget | null>;
